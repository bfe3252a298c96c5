"""Walk the operator's directory of businesses, as the worker's role may."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Final
from uuid import UUID

from payme.features.businesses import list_business_ids
from payme.runtime.database import Database

_PAGE: Final = 1_000


async def walk_businesses(database: Database) -> AsyncIterator[UUID]:
    """Give the id of every business, in order, the platform's own included."""
    last: UUID | None = None
    while page := await database.run(partial(list_business_ids, after=last, limit=_PAGE), read_only=True):
        for last in page:
            yield last
