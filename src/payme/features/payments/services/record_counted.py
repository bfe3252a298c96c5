"""Record money that a person counted: cash in the drawer, a card slip, a credit note of the shop's own, a debt."""

from typing import Final
from uuid import UUID

from payme.features import ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.enums import Assurance, PaymentStatus, Settlement
from payme.features.payments.repository import payments as repository
from payme.features.payments.schemas import PaymentView, Purpose
from payme.kit.ids import new_id
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

ACCOUNT_OF: Final = {
    "cash": AccountCode.CASH,
    "card_recorded": AccountCode.CARD,
    "credit_note": AccountCode.CREDIT_NOTES,
    "credit": AccountCode.RECEIVABLES,
}


@value
class Counted:
    """Money that a person counted; `received_cents` is what the customer handed over, where that is known."""

    method: str
    amount_cents: int
    received_cents: int | None = None
    reference: str = ""


def record_counted(uow: UnitOfWork, counted: Counted, *, purpose: Purpose, purpose_id: UUID, held: bool) -> PaymentView:
    """Have a counted payment written with this transaction, applied to its purpose.

    `held`: its purpose is not complete yet, so the money is booked as held until it is.
    """
    method, amount_cents = counted.method, counted.amount_cents
    payment = PaymentView(
        id=new_id(), purpose=purpose, purpose_id=purpose_id, method=method, status=PaymentStatus.SUCCEEDED,
        assurance=Assurance.COUNTED, amount_cents=amount_cents, paid_cents=amount_cents, settlement=Settlement.APPLIED,
        created_at=uow.now, ended_at=uow.now,
    )  # fmt: skip
    repository.defer_counted(uow, payment, received_cents=counted.received_cents, reference=counted.reference)
    if held:
        posting = Posting("payment.held", AccountCode.PAYMENTS_HELD, ACCOUNT_OF[method], amount_cents, payment.id)
        ledger.post(uow, [posting])
    return payment
