"""List the payments that are in doubt for too long, or whose receipt never came, with the reason why nobody can ask, for a person to look at."""

from datetime import timedelta
from typing import Final

from payme.features.payments.enums import PaymentStatus
from payme.features.payments.repository import payments as repository
from payme.features.payments.schemas import UnsettledPayment
from payme.features.payments.services.checks import MpesaRules
from payme.features.payments.services.pull_payments import PATIENCE
from payme.runtime.database import UnitOfWork

_NO_RECEIPT: Final = (
    "It counts as it was asked, and Pull showed no receipt of it: look in the tray and at the M-Pesa statement."
)


async def list_unsettled(uow: UnitOfWork, *, older_than: timedelta) -> list[UnsettledPayment]:
    """Return a business's payments in doubt that are older than this, oldest first, each with what stands in its way."""
    last_question = uow.tool(MpesaRules).check_at[-1]
    found: list[UnsettledPayment] = []
    for row in await repository.list_unsettled(uow, before=uow.now - older_than, patience=PATIENCE):
        age = uow.now - row.since
        reason = _NO_RECEIPT if row.lacks_receipt else _reason(row, is_through=age > last_question)
        found.append(row.model_copy(update={"age_seconds": int(age.total_seconds()), "reason": reason}))
    return found


def _reason(row: UnsettledPayment, *, is_through: bool) -> str:
    if row.status is PaymentStatus.SUCCEEDED:
        return "The money came, and what it was for has not heard of it: look for its dead letter among the jobs."
    if row.claimed_cents is not None:
        return "A callback names money that M-Pesa has not confirmed: compare it with the M-Pesa statement."
    if row.status in {PaymentStatus.CREATED, PaymentStatus.SENDING}:
        return "The job that sends the prompt has not finished: look whether a worker runs."
    if not row.can_ask:
        return "M-Pesa never said whether it took the request: look at the customer's SMS, or say that no prompt came."
    if is_through:
        return "M-Pesa was asked to the end of the schedule and gave no final answer: look at the M-Pesa statement."
    return "M-Pesa is asked on the schedule."
