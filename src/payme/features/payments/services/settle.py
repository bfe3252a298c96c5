"""Say where succeeded money went: into its purpose, back to the customer, or to the unclaimed tray. Each step once."""

from uuid import UUID

from payme.features import audit, ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.enums import Settlement
from payme.features.payments.errors import PaymentNotFound
from payme.features.payments.repository import payments as repository
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.repository.payments import StoredPayment
from payme.features.payments.repository.unclaimed import NewUnclaimed
from payme.features.payments.rules.transitions import applied_cents
from payme.features.payments.services.record_counted import ACCOUNT_OF
from payme.runtime.database import UnitOfWork


async def settle(
    uow: UnitOfWork, payment_id: UUID, outcome: str, *, was_applied: bool = False, excess_cents: int = 0
) -> bool:
    """Record where a succeeded payment's money went; return False where that was recorded before.

    `was_applied`: it is taken back from a purpose that will not complete; else it has just arrived. Applied money stays held
    until its purpose books it, but for the excess that its purpose has no need of. Counted money goes back to the customer out
    of the drawer; M-Pesa money that its purpose cannot take becomes unclaimed. Locks the payment. Raises: PaymentNotFound.
    """
    settlement = Settlement(outcome)
    payment = await repository.lock_payment(uow, payment_id)
    if payment is None:
        raise PaymentNotFound(payment_id=payment_id)
    expected = Settlement.APPLIED if was_applied else ""
    if not await repository.set_settlement(uow, payment_id, settlement, expected=expected, excess_cents=excess_cents):
        return False
    amount_cents = applied_cents(payment.amount_cents, payment.paid_cents)
    if settlement is Settlement.RETURNED:
        posting = Posting(
            "payment.returned", ACCOUNT_OF[payment.method], AccountCode.PAYMENTS_HELD, amount_cents, payment.id
        )
        ledger.post(uow, [posting])
    unclaimed_cents = amount_cents if settlement is Settlement.UNCLAIMED else excess_cents
    if unclaimed_cents:
        await _put_in_tray(uow, payment, unclaimed_cents)
    audit.record(uow, f"payment.{settlement}", payment_id, amount_cents=amount_cents, excess_cents=excess_cents)
    uow.touch("payments", payment_id)
    return True


async def _put_in_tray(uow: UnitOfWork, payment: StoredPayment, amount_cents: int) -> None:
    new = NewUnclaimed(
        amount_cents, "sale_not_open", "sale", payment.shortcode or "", payment.mpesa_receipt_number, payment.id
    )
    unclaimed_id = await tray.insert_unclaimed(uow, new)
    posting = Posting(
        "payment.unclaimed", AccountCode.MPESA_UNCLAIMED, AccountCode.PAYMENTS_HELD, amount_cents, unclaimed_id
    )
    ledger.post(uow, [posting])
    uow.touch("unclaimed", unclaimed_id)
