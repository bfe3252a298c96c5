"""Say where succeeded money went: into its purpose, back to the customer, or to the unclaimed tray. Each step once."""

from uuid import UUID

from payme.features import audit, ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.enums import Settlement
from payme.features.payments.errors import PaymentNotFound
from payme.features.payments.repository import payments as repository
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.rules import applied_cents
from payme.features.payments.services.record_counted import ACCOUNT_OF
from payme.runtime.database import UnitOfWork


async def settle(uow: UnitOfWork, payment_id: UUID, outcome: str, *, was_applied: bool = False) -> bool:
    """Record where a succeeded payment's money went; return False where that was recorded before.

    `was_applied`: it is taken back from a purpose that will not complete; else it has just arrived. Applied money stays held
    until its purpose books it. Counted money goes back to the customer out of the drawer; M-Pesa money that its purpose cannot
    take becomes unclaimed. Locks the payment. Raises: PaymentNotFound.
    """
    settlement = Settlement(outcome)
    payment = await repository.lock_payment(uow, payment_id)
    if payment is None:
        raise PaymentNotFound(payment_id=payment_id)
    if not await repository.set_settlement(
        uow, payment_id, settlement, expected=Settlement.APPLIED if was_applied else ""
    ):
        return False
    applied = applied_cents(payment.amount_cents, payment.paid_cents)
    if settlement is Settlement.RETURNED:
        ledger.post(
            uow,
            [Posting("payment.returned", ACCOUNT_OF[payment.method], AccountCode.PAYMENTS_HELD, applied, payment.id)],
        )
    if settlement is Settlement.UNCLAIMED:
        unclaimed_id = await tray.insert_unclaimed(
            uow,
            payment,
            amount_cents=applied,
            reason="sale_not_open",
            source="sale",
            receipt=payment.mpesa_receipt_number,
        )
        ledger.post(
            uow,
            [
                Posting(
                    "payment.unclaimed", AccountCode.MPESA_UNCLAIMED, AccountCode.PAYMENTS_HELD, applied, unclaimed_id
                )
            ],
        )
        uow.touch("unclaimed", unclaimed_id)
    audit.record(uow, f"payment.{settlement}", payment_id, amount_cents=applied)
    uow.touch("payments", payment_id)
    return True
