"""Jobs of sales: hear of payments and of approvals, close what nobody paid."""

from uuid import UUID

from payme.features.approvals import ApprovalApproved, ApprovalLapsed, ApprovalRejected
from payme.features.payments import PaymentFailed, PaymentSucceeded, PayoutFailed, PayoutSucceeded
from payme.features.sales.services import finish_refund, settle_sale
from payme.features.sales.services.finish_refund import REFUND_KINDS
from payme.features.tokens import TokensExhausted
from payme.runtime.jobs import JobContext, Tasks

tasks = Tasks("sales")
_PURPOSE, _REFUND = "sale", "refund"
_UNTIL_TOPPED_UP = 200
"""Attempts, ten minutes apart at most: about a day."""


@tasks.on(PaymentSucceeded, job="sales.receive_payment", attempts=_UNTIL_TOPPED_UP, retry_on=(TokensExhausted,))
async def receive_payment(job: JobContext) -> None:
    """Apply confirmed money to its sale; where even the overdraft has no token left, once the owner has topped up."""
    event = PaymentSucceeded.model_validate(job.payload)
    if event.purpose == _PURPOSE:
        await job.finish(lambda uow: settle_sale.receive_payment(uow, event))


@tasks.on(PaymentFailed, job="sales.hear_of_failure")
async def hear_of_failure(job: JobContext) -> None:
    """Release what a sale had set aside for a payment that failed."""
    event = PaymentFailed.model_validate(job.payload)
    if event.purpose == _PURPOSE:
        await job.finish(lambda uow: settle_sale.hear_of_failure(uow, event))


@tasks.job("sales.cancel_stale_sale")
async def cancel_stale_sale(job: JobContext) -> None:
    """Cancel a sale whose payment failed a day ago and that nobody paid since."""
    sale_id, rev = UUID(job.payload["sale_id"]), int(job.payload["rev"])
    await job.finish(lambda uow: settle_sale.cancel_stale_sale(uow, sale_id, rev=rev))


@tasks.on(ApprovalApproved, job="sales.refund_approved")
async def refund_approved(job: JobContext) -> None:
    """Have a refund happen that a second person agreed to."""
    event = ApprovalApproved.model_validate(job.payload)
    if event.kind in REFUND_KINDS:
        await job.finish(lambda uow: finish_refund.hear_of_approval(uow, event))


@tasks.on(ApprovalRejected, job="sales.refund_rejected")
async def refund_rejected(job: JobContext) -> None:
    """End a refund that a second person said no to."""
    event = ApprovalRejected.model_validate(job.payload)
    if event.kind in REFUND_KINDS:
        await job.finish(lambda uow: finish_refund.hear_of_refusal(uow, event))


@tasks.on(ApprovalLapsed, job="sales.refund_lapsed")
async def refund_lapsed(job: JobContext) -> None:
    """End a refund that nobody agreed to in time."""
    event = ApprovalLapsed.model_validate(job.payload)
    if event.kind in REFUND_KINDS:
        await job.finish(lambda uow: finish_refund.hear_of_refusal(uow, event))


@tasks.on(PayoutSucceeded, job="sales.refund_paid")
async def refund_paid(job: JobContext) -> None:
    """Complete a refund whose money has left."""
    event = PayoutSucceeded.model_validate(job.payload)
    if event.purpose == _REFUND:
        await job.finish(lambda uow: finish_refund.hear_of_payout(uow, event))


@tasks.on(PayoutFailed, job="sales.refund_unpaid")
async def refund_unpaid(job: JobContext) -> None:
    """End a refund whose money did not leave; it may be asked for anew."""
    event = PayoutFailed.model_validate(job.payload)
    if event.purpose == _REFUND:
        await job.finish(lambda uow: finish_refund.hear_of_failed_payout(uow, event))
