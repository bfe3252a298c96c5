"""SQL of what was said about money, and of the receipts that are applied once and for all."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from payme.features.payments.enums import Effect
from payme.features.payments.rules.transitions import Message, ReceiptOwner
from payme.kit.ids import new_id
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class About:
    """What was said something about: a payment or a row of the tray, and the short code that the money went to."""

    shortcode: str | None
    payment_id: UUID | None = None
    unclaimed_id: UUID | None = None


@value
class Holder:
    """Who takes a receipt, and for which short code."""

    kind: Literal["payment", "unclaimed"]
    id: UUID
    shortcode: str


async def insert_evidence(
    uow: UnitOfWork, about: About, message: Message, *, effect: Effect, inbox_id: UUID | None
) -> None:
    """Keep what was said and what was made of it."""
    await uow.execute(
        """-- payments.insert_evidence
        insert into payment_evidence (business_id, id, payment_id, unclaimed_id, source, outcome, shortcode, amount_cents,
          mpesa_receipt_number, result_code, result_text, inbox_id, effect, received_at, balance_cents, paid_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)""",
        uow.tenant, new_id(), about.payment_id, about.unclaimed_id, message.source, message.outcome, about.shortcode,
        message.amount_cents, message.receipt, message.result_code, message.reason, inbox_id, effect, uow.now,
        message.balance_cents, message.paid_at,
    )  # fmt: skip


async def is_claimed_elsewhere(uow: UnitOfWork, payment_id: UUID) -> bool:
    """Say whether a person has given this payment's money to something else."""
    return await uow.fetchval(
        """-- payments.is_claimed_elsewhere
        select exists (select from payment_evidence where business_id = $1 and payment_id = $2 and effect = 'claimed_elsewhere')""",
        uow.tenant, payment_id,
    )  # fmt: skip


async def register_receipt(uow: UnitOfWork, receipt: str, holder: Holder) -> ReceiptOwner:
    """Take a receipt, once and for all, and return whose it is. Waits for a transaction that takes it just now."""
    taken = await uow.execute(
        """-- payments.register_receipt
        insert into mpesa_receipts (mpesa_receipt_number, business_id, shortcode, applied_to, applied_id, recorded_at)
        values ($1, $2, $3, $4, $5, $6) on conflict on constraint mpesa_receipts_pkey do nothing""",
        receipt, uow.tenant, holder.shortcode, holder.kind, holder.id, uow.now,
    )  # fmt: skip
    if taken:
        return ReceiptOwner.NEW
    owner = await uow.fetchrow(
        """-- payments.find_receipt_owner
        select business_id, applied_to, applied_id from mpesa_receipts where mpesa_receipt_number = $1""",
        receipt,
    )
    assert owner is not None, "a registered receipt stays"
    if owner["applied_id"] == holder.id:
        return ReceiptOwner.OURS_ALREADY
    is_in_tray = owner["business_id"] == uow.tenant and owner["applied_to"] == "unclaimed"
    return ReceiptOwner.IN_TRAY if is_in_tray else ReceiptOwner.ANOTHERS


async def list_registered(uow: UnitOfWork, receipts: Sequence[str]) -> set[str]:
    """Return those of some receipts that were given to anything, of any business."""
    rows = await uow.fetch(
        """-- payments.list_registered
        select mpesa_receipt_number from mpesa_receipts where mpesa_receipt_number = any($1)""",
        list(receipts),
    )
    return {row["mpesa_receipt_number"] for row in rows}


async def is_registered(uow: UnitOfWork, receipt: str) -> bool:
    """Say whether a receipt was given to anything, of any business."""
    return await uow.fetchval(
        """-- payments.is_registered
        select exists (select from mpesa_receipts where mpesa_receipt_number = $1)""",
        receipt,
    )
