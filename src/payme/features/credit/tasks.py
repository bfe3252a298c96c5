"""Jobs of credit: hear what became of payments for debts."""

from typing import Final

from payme.features.credit.services import repay_by_mpesa
from payme.features.credit.services.repay_by_mpesa import PURPOSE
from payme.features.payments import PaymentFailed, PaymentSucceeded
from payme.features.tokens import TokensExhausted
from payme.runtime.jobs import JobContext, Tasks

tasks = Tasks("credit")
_UNTIL_TOPPED_UP: Final = 200
"""Attempts, ten minutes apart at most: about a day."""


@tasks.on(PaymentSucceeded, job="credit.receive_payment", attempts=_UNTIL_TOPPED_UP, retry_on=(TokensExhausted,))
async def receive_payment(job: JobContext) -> None:
    """Lower a debt by confirmed money; where even the overdraft has no token left, once the owner has topped up."""
    event = PaymentSucceeded.model_validate(job.payload)
    if event.purpose == PURPOSE:
        await job.finish(lambda uow: repay_by_mpesa.receive_payment(uow, event))


@tasks.on(PaymentFailed, job="credit.hear_of_failure")
async def hear_of_failure(job: JobContext) -> None:
    """Release what was set aside for a prompt that nobody paid."""
    event = PaymentFailed.model_validate(job.payload)
    if event.purpose == PURPOSE:
        await job.finish(lambda uow: repay_by_mpesa.hear_of_failure(uow, event))
