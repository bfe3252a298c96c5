"""Jobs of shifts: hear what a second person says of a difference."""

from payme.features.approvals import ApprovalApproved, ApprovalKind, ApprovalLapsed, ApprovalRejected
from payme.features.shifts.services.settle_variance import hear_of_approval, hear_of_refusal
from payme.runtime.jobs import JobContext, Tasks

tasks = Tasks("shifts")


@tasks.on(ApprovalApproved, job="shifts.variance_approved")
async def variance_approved(job: JobContext) -> None:
    """Book a difference that a second person agreed to."""
    event = ApprovalApproved.model_validate(job.payload)
    if event.kind == ApprovalKind.VARIANCE:
        await job.finish(lambda uow: hear_of_approval(uow, event))


@tasks.on(ApprovalRejected, job="shifts.variance_rejected")
async def variance_rejected(job: JobContext) -> None:
    """Leave a difference out of the books that a second person said no to."""
    event = ApprovalRejected.model_validate(job.payload)
    if event.kind == ApprovalKind.VARIANCE:
        await job.finish(lambda uow: hear_of_refusal(uow, event))


@tasks.on(ApprovalLapsed, job="shifts.variance_lapsed")
async def variance_lapsed(job: JobContext) -> None:
    """Leave a difference out of the books that nobody agreed to in time."""
    event = ApprovalLapsed.model_validate(job.payload)
    if event.kind == ApprovalKind.VARIANCE:
        await job.finish(lambda uow: hear_of_refusal(uow, event))
