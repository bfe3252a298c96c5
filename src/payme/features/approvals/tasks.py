"""Jobs of approvals: what nobody decided lapses."""

from uuid import UUID

from payme.features.approvals.services import expire_approval
from payme.runtime.database import UnitOfWork
from payme.runtime.jobs import JobContext, Tasks

tasks = Tasks("approvals")


@tasks.job("approvals.expire")
async def expire(job: JobContext) -> None:
    """Let a request lapse whose time is up; come back where it is not, for the queue's clock is another one."""
    approval_id = UUID(job.payload["approval_id"])

    async def work(uow: UnitOfWork) -> None:
        left = await expire_approval(uow, approval_id)
        if left is not None:
            uow.enqueue("approvals.expire", {"approval_id": str(approval_id)}, execute_after=left)

    await job.finish(work)
