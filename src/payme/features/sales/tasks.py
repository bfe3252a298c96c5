"""Jobs of sales: hear of payments, close what nobody paid."""

from uuid import UUID

from payme.features.payments import PaymentFailed, PaymentSucceeded
from payme.features.sales.services import settle_sale
from payme.features.tokens import TokensExhausted
from payme.runtime.jobs import JobContext, Tasks

tasks = Tasks("sales")
_PURPOSE = "sale"
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
