"""SQL of what was said about payments, and of the receipts that are applied once and for all."""

from uuid import UUID

from payme.features.payments.enums import Effect
from payme.features.payments.repository.payments import StoredPayment
from payme.features.payments.rules.transitions import Message, ReceiptOwner
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork


async def insert_evidence(
    uow: UnitOfWork, payment: StoredPayment, message: Message, *, effect: Effect, inbox_id: UUID | None
) -> None:
    """Keep what was said about a payment and what was made of it."""
    await uow.execute(
        """-- payments.insert_evidence
        insert into payment_evidence (business_id, id, payment_id, source, outcome, shortcode, amount_cents, mpesa_receipt_number,
          result_code, result_text, inbox_id, effect, received_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        uow.tenant, new_id(), payment.id, message.source, message.outcome, payment.shortcode, message.amount_cents,
        message.receipt, message.result_code, message.reason, inbox_id, effect, uow.now,
    )  # fmt: skip


async def register_receipt(uow: UnitOfWork, receipt: str, *, shortcode: str, payment_id: UUID) -> ReceiptOwner:
    """Take a receipt for a payment, once and for all, and return whose it is. Waits for a transaction that takes it just now."""
    taken = await uow.execute(
        """-- payments.register_receipt
        insert into mpesa_receipts (mpesa_receipt_number, business_id, shortcode, applied_to, applied_id, recorded_at)
        values ($1, $2, $3, 'payment', $4, $5) on conflict on constraint mpesa_receipts_pkey do nothing""",
        receipt, uow.tenant, shortcode, payment_id, uow.now,
    )  # fmt: skip
    if taken:
        return ReceiptOwner.NEW
    owner = await uow.fetchval(
        """-- payments.find_receipt_owner
        select applied_id from mpesa_receipts where mpesa_receipt_number = $1""",
        receipt,
    )
    return ReceiptOwner.OURS_ALREADY if owner == payment_id else ReceiptOwner.ANOTHERS
