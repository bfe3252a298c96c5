"""Jobs of reconciliation: every day of every business, the night after it."""

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from payme.features.businesses import get_business, list_business_ids
from payme.features.reconciliation.repository import runs, statements
from payme.features.reconciliation.services.run_day import run_day
from payme.features.reconciliation.services.take_in_statement import end_intake, take_in_row
from payme.features.reconciliation.services.upload_statement import TAKE_IN_JOB
from payme.kit.time import business_day
from payme.runtime.database import UnitOfWork
from payme.runtime.jobs import JobContext, Tasks

tasks = Tasks("reconciliation")
RUN_JOB: Final = "reconciliation.run_day"
_PAGE: Final = 1_000
_LOOKS_BACK: Final = timedelta(days=14)
_REST: Final = timedelta(hours=1)
"""What is told of a day's last minutes comes after it."""


@tasks.every("37 * * * *", "reconciliation.begin_nights")
async def begin_nights(job: JobContext) -> None:
    """Have each business's last day reconciled once it is over; hourly, because days do not end everywhere at midnight."""
    after: UUID | None = None
    while ids := await job.database.run(
        lambda uow, last=after: list_business_ids(uow, after=last, limit=_PAGE), read_only=True
    ):
        for business_id in ids:
            await job.database.run(begin_night, business_id=business_id)
        after = ids[-1]


async def begin_night(uow: UnitOfWork) -> None:
    """Have the last day that is over reconciled, unless it was, and with it the days before that still have open differences."""
    starts_at = (await get_business(uow)).day_starts_at
    over = business_day(uow.now - _REST, starts_at) - timedelta(days=1)
    if await runs.is_reconciled(uow, over):
        return
    for day in [*await runs.list_open_days(uow, since=over - _LOOKS_BACK, before=over), over]:
        have_run(uow, day)


def have_run(uow: UnitOfWork, day: date) -> None:
    """Have a day reconciled after this transaction."""
    uow.enqueue(RUN_JOB, {"day": day.isoformat()}, dedupe_key=f"{RUN_JOB}:{uow.tenant}:{day}")


@tasks.job(TAKE_IN_JOB, time_limit=timedelta(minutes=30))
async def take_in_statement(job: JobContext) -> None:
    """Take in the rows of an uploaded statement, each in a transaction of its own, and reconcile its days anew."""
    upload_id = UUID(job.payload["upload_id"])
    while ids := await job.run(lambda uow: statements.list_waiting(uow, upload_id, limit=_PAGE)):
        for row_id in ids:
            await job.run(lambda uow, row=row_id: take_in_row(uow, row))

    async def work(uow: UnitOfWork) -> None:
        for day in await end_intake(uow, upload_id):
            have_run(uow, day)

    await job.finish(work)


@tasks.job(RUN_JOB, time_limit=timedelta(minutes=10))
async def run_a_day(job: JobContext) -> None:
    """Reconcile a day."""
    day = date.fromisoformat(str(job.payload["day"]))

    async def work(uow: UnitOfWork) -> None:
        await run_day(uow, day)

    await job.finish(work)
