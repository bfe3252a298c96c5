"""After a restore to an earlier instant every business begins an epoch, so that its tills send again what the copy lacks."""

from functools import partial
from uuid import UUID

from payme.features.businesses import list_business_ids
from payme.features.sync.services.standing import begin_epoch
from payme.runtime.database import Database

_PAGE = 1_000


async def begin_epochs(database: Database) -> int:
    """Begin an epoch in every business, in the worker's role; return in how many."""
    last: UUID | None = None
    count = 0
    while page := await database.run(partial(list_business_ids, after=last, limit=_PAGE), read_only=True):
        for last in page:
            await database.run(begin_epoch, business_id=last)
            count += 1
    return count
