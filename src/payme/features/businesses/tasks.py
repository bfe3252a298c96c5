"""Jobs that walk all businesses, because only this room has the directory of them."""

from collections.abc import AsyncGenerator
from typing import Final
from uuid import UUID

from payme.features import audit
from payme.features.businesses.services import list_business_ids
from payme.runtime.database.replies import MOST_AT_ONCE, forget_replies
from payme.runtime.jobs import JobContext, Tasks

tasks = Tasks("businesses")
_PAGE: Final = 1_000


@tasks.every("* * * * *", "businesses.seal_audit")
async def seal_audit(job: JobContext) -> None:
    """Seal what every business has recorded, and anchor the heads that moved."""
    async for business_id in _every_business(job):
        await _seal_business(job, business_id)


@tasks.every("23 * * * *", "businesses.forget_replies")
async def forget_old_replies(job: JobContext) -> None:
    """Delete the replies of every business that were kept for repetition long enough."""
    async for business_id in _every_business(job):
        while await job.database.run(forget_replies, business_id=business_id) == MOST_AT_ONCE:
            pass


async def _every_business(job: JobContext) -> AsyncGenerator[UUID]:
    after: UUID | None = None
    while ids := await _next_ids(job, after):
        for business_id in ids:
            yield business_id
        after = ids[-1]


async def _next_ids(job: JobContext, after: UUID | None) -> list[UUID]:
    return await job.database.run(lambda uow: list_business_ids(uow, after=after, limit=_PAGE), read_only=True)


async def _seal_business(job: JobContext, business_id: UUID) -> None:
    while True:
        sealing = await job.database.run(audit.seal, business_id=business_id)
        if sealing is None or not sealing.sealed:
            return
        audit.anchor(sealing)
