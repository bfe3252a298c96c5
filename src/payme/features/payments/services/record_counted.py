"""Record money that a person counted: cash in the drawer, a card slip."""

from typing import Final
from uuid import UUID

from payme.features import ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.enums import Assurance, PaymentStatus, Settlement
from payme.features.payments.repository import payments as repository
from payme.features.payments.schemas import PaymentView, Purpose
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork

ACCOUNT_OF: Final = {"cash": AccountCode.CASH, "card_recorded": AccountCode.CARD}


def record_counted(
    uow: UnitOfWork,
    *,
    purpose: Purpose,
    purpose_id: UUID,
    method: str,
    amount_cents: int,
    received_cents: int | None,
    reference: str = "",
    held: bool,
) -> PaymentView:
    """Have a counted payment written with this transaction, applied to its purpose.

    `held`: its purpose is not complete yet, so the money is booked as held until it is.
    """
    payment = PaymentView(
        id=new_id(), purpose=purpose, purpose_id=purpose_id, method=method, status=PaymentStatus.SUCCEEDED,
        assurance=Assurance.COUNTED, amount_cents=amount_cents, paid_cents=amount_cents, settlement=Settlement.APPLIED,
        created_at=uow.now, ended_at=uow.now,
    )  # fmt: skip
    repository.defer_counted(uow, payment, received_cents=received_cents, reference=reference)
    if held:
        ledger.post(
            uow, [Posting("payment.held", AccountCode.PAYMENTS_HELD, ACCOUNT_OF[method], amount_cents, payment.id)]
        )
    return payment
