"""Jobs of sync: the record of what devices exchanged is kept for a season and then forgotten."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from payme.features import businesses
from payme.features.sync.services.standing import MOST_AT_ONCE, forget_exchanges
from payme.runtime.jobs import JobContext, Tasks

KEPT: Final = timedelta(days=90)
tasks = Tasks("sync")


@tasks.every("41 1 * * *", "sync.forget_exchanges")
async def forget_old_exchanges(job: JobContext) -> None:
    """Delete what the devices of every business exchanged more than ninety days ago."""
    after: UUID | None = None
    while ids := await job.database.run(
        lambda uow, after=after: businesses.list_business_ids(uow, after=after), read_only=True
    ):
        for business_id in ids:
            while (
                await job.database.run(lambda uow: forget_exchanges(uow, KEPT), business_id=business_id) == MOST_AT_ONCE
            ):
                pass
        after = ids[-1]
