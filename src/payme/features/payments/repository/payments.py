"""SQL of payments, their evidence and the unclaimed tray."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payme.features.payments.enums import Effect, PaymentStatus
from payme.features.payments.rules import Message
from payme.features.payments.schemas import PaymentView, UnclaimedView
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork, WriteOrder

_COUNTED: Final = "payments_record_counted($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)"


@dataclass(frozen=True, slots=True)
class StoredPayment:
    """A payment under lock, with what the decision and the gateway need of it."""

    id: UUID
    purpose: str
    purpose_id: UUID
    method: str
    status: PaymentStatus
    assurance: str
    amount_cents: int
    paid_cents: int | None
    payee: str
    shortcode: str | None
    phone_encrypted: bytes | None
    checkout_request_id: str | None
    mpesa_receipt_number: str | None
    settlement: str | None
    checks: int
    sent_at: datetime | None
    created_at: datetime
    created_by: UUID
    rev: int


@dataclass(frozen=True, slots=True)
class NewPrompt:
    """A prompt that is to be sent once its transaction has committed."""

    id: UUID
    purpose: str
    purpose_id: UUID
    amount_cents: int
    payee: str
    shortcode: str
    phone_encrypted: bytes
    phone_masked: str


def defer_counted(uow: UnitOfWork, payment: PaymentView, *, received_cents: int | None, reference: str) -> None:
    """Have a payment that a person counted written at the flush, applied to its purpose."""
    uow.defer(
        WriteOrder.COLD, _COUNTED, uow.tenant, payment.id, payment.purpose, payment.purpose_id, payment.method,
        payment.amount_cents, received_cents, reference, uow.now, uow.actor.id,
    )  # fmt: skip


async def insert_prompt(uow: UnitOfWork, prompt: NewPrompt) -> None:
    """Insert a prompt in state created. Raises: PromptAlreadyOpen."""
    await uow.execute(
        """-- payments.insert_prompt
        insert into payments (business_id, id, purpose, purpose_id, method, status, assurance, amount_cents, payee, shortcode,
          phone_encrypted, phone_masked, created_at, created_by)
        values ($1, $2, $3, $4, 'mpesa_stk', 'created', 'none', $5, $6, $7, $8, $9, $10, $11)""",
        uow.tenant, prompt.id, prompt.purpose, prompt.purpose_id, prompt.amount_cents, prompt.payee, prompt.shortcode,
        prompt.phone_encrypted, prompt.phone_masked, uow.now, uow.actor.id,
    )  # fmt: skip


async def lock_payment(uow: UnitOfWork, payment_id: UUID) -> StoredPayment | None:
    """Lock and return a payment, or None. A payment is locked before anything else of its transaction."""
    row = await uow.fetchrow(
        """-- payments.lock_payment
        select id, purpose, purpose_id, method, status, assurance, amount_cents, paid_cents, payee, shortcode, phone_encrypted,
          checkout_request_id, mpesa_receipt_number, settlement, checks, sent_at, created_at, created_by, rev
        from payments where business_id = $1 and id = $2 for update""",
        uow.tenant, payment_id,
    )  # fmt: skip
    return StoredPayment(**{**row, "status": PaymentStatus(row["status"])}) if row else None


_VIEW_COLUMNS: Final = (
    "id, purpose, purpose_id, method, status, assurance, amount_cents, paid_cents, phone_masked as phone, mpesa_receipt_number, "
    "reason_code, reason_text, late, settlement, excess_cents, created_at, ended_at, rev"
)
_LIST_FOR: Final = (
    "-- payments.list_for\nselect "
    + _VIEW_COLUMNS
    + " from payments where business_id = $1 and purpose = $2 and purpose_id = $3"
    " order by created_at, id"
)
_FIND: Final = "-- payments.find_payment\nselect " + _VIEW_COLUMNS + " from payments where business_id = $1 and id = $2"
_LIST: Final = (
    "-- payments.list_payments\nselect " + _VIEW_COLUMNS + " from payments where business_id = $1"
    " and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid)) and ($4::text is null or status = $4)"
    " and ($5::text is null or method = $5) order by created_at desc, id desc limit $6"
)


async def list_for(uow: UnitOfWork, purpose: str, purpose_id: UUID) -> list[PaymentView]:
    """Return the payments of one purpose in the order they were made."""
    return [PaymentView(**row) for row in await uow.fetch(_LIST_FOR, uow.tenant, purpose, purpose_id)]


async def find_payment(uow: UnitOfWork, payment_id: UUID) -> PaymentView | None:
    """Return a payment, or None."""
    row = await uow.fetchrow(_FIND, uow.tenant, payment_id)
    return PaymentView(**row) if row else None


async def list_payments(
    uow: UnitOfWork, *, limit: int, before: tuple[datetime, UUID] | None, status: str | None, method: str | None
) -> list[PaymentView]:
    """Return payments, newest first, older than a (time, id) pair."""
    at, last = before or (None, None)
    return [PaymentView(**row) for row in await uow.fetch(_LIST, uow.tenant, at, last, status, method, limit)]


async def mark_sending(uow: UnitOfWork, payment_id: UUID, *, status: PaymentStatus) -> None:
    """Record that the push is about to leave, or that nothing left after all."""
    await uow.execute(
        """-- payments.mark_sending
        update payments set status = $3, sent_at = $4, rev = rev + 1 where business_id = $1 and id = $2""",
        uow.tenant, payment_id, status, uow.now if status is PaymentStatus.SENDING else None,
    )  # fmt: skip


async def move(uow: UnitOfWork, payment: StoredPayment, status: PaymentStatus, changes: dict[str, Any]) -> None:
    """Record what a decision made of a payment. Keys of `changes`: paid_cents, receipt, checkout_request_id,
    merchant_request_id, reason_code, reason_text, late; what is absent stays.
    """
    await uow.execute(
        """-- payments.move
        update payments set status = $3, assurance = case when $3 = 'succeeded' then 'confirmed' else 'none' end,
          ended_at = case when $3 in ('succeeded', 'failed', 'expired') then coalesce(case when status = $3 then ended_at end, $4) end,
          paid_cents = coalesce($5, paid_cents), mpesa_receipt_number = coalesce($6, mpesa_receipt_number),
          checkout_request_id = coalesce(checkout_request_id, $7), merchant_request_id = coalesce(merchant_request_id, $8),
          reason_code = case when $3 = 'succeeded' then null else coalesce($9, reason_code) end,
          reason_text = case when $3 = 'succeeded' then null else coalesce($10, reason_text) end,
          late = late or $11, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, payment.id, status, uow.now, changes.get("paid_cents"), changes.get("receipt"),
        changes.get("checkout_request_id"), changes.get("merchant_request_id"), changes.get("reason_code"),
        changes.get("reason_text"), changes.get("late", False),
    )  # fmt: skip


async def count_check(uow: UnitOfWork, payment_id: UUID) -> None:
    """Count one question to M-Pesa."""
    await uow.execute(
        """-- payments.count_check
        update payments set checks = checks + 1 where business_id = $1 and id = $2""",
        uow.tenant, payment_id,
    )  # fmt: skip


async def set_settlement(
    uow: UnitOfWork, payment_id: UUID, settlement: str, *, expected: str, excess_cents: int = 0
) -> bool:
    """Record where the money went, if it was where expected ('' is nowhere yet); return whether it was."""
    return await uow.execute(
        """-- payments.set_settlement
        update payments set settlement = $3, excess_cents = $5, rev = rev + 1
        where business_id = $1 and id = $2 and status = 'succeeded' and coalesce(settlement, '') = $4""",
        uow.tenant, payment_id, settlement, expected, excess_cents,
    ) > 0  # fmt: skip


async def insert_evidence(
    uow: UnitOfWork, payment: StoredPayment, message: Message, effect: Effect, inbox_id: UUID | None
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


async def register_receipt(uow: UnitOfWork, receipt: str, *, shortcode: str, payment_id: UUID) -> bool:
    """Take a receipt for a payment, once and for all; return False where another payment has it."""
    await uow.execute(
        """-- payments.register_receipt
        insert into mpesa_receipts (mpesa_receipt_number, business_id, shortcode, applied_to, applied_id, recorded_at)
        values ($1, $2, $3, 'payment', $4, $5) on conflict on constraint mpesa_receipts_pkey do nothing""",
        receipt, uow.tenant, shortcode, payment_id, uow.now,
    )  # fmt: skip
    owner = await uow.fetchval(
        """-- payments.find_receipt_owner
        select applied_id from mpesa_receipts where mpesa_receipt_number = $1""",
        receipt,
    )
    return owner == payment_id


async def insert_unclaimed(
    uow: UnitOfWork, payment: StoredPayment, *, amount_cents: int, reason: str, source: str, receipt: str | None
) -> UUID:
    """Put an amount among the unclaimed and return the row's id."""
    unclaimed_id = new_id()
    await uow.execute(
        """-- payments.insert_unclaimed
        insert into unclaimed_money (business_id, id, source, reason, amount_cents, shortcode, mpesa_receipt_number, payment_id, received_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        uow.tenant, unclaimed_id, source, reason, amount_cents, payment.shortcode or "", receipt, payment.id, uow.now,
    )  # fmt: skip
    return unclaimed_id


async def lock_disputed(uow: UnitOfWork, payment_id: UUID) -> tuple[UUID, int] | None:
    """Lock the unclaimed amount that a callback named for a payment, if one did and it is still unclaimed."""
    row = await uow.fetchrow(
        """-- payments.lock_disputed
        select id, amount_cents from unclaimed_money
        where business_id = $1 and payment_id = $2 and reason = 'amount_differs' and state = 'unclaimed' for update""",
        uow.tenant, payment_id,
    )  # fmt: skip
    return (row["id"], row["amount_cents"]) if row else None


async def claim_unclaimed(uow: UnitOfWork, unclaimed_id: UUID) -> None:
    """Record that an unclaimed amount found its purpose."""
    await uow.execute(
        """-- payments.claim_unclaimed
        update unclaimed_money set state = 'claimed', ended_at = $3, ended_by = $4, rev = rev + 1
        where business_id = $1 and id = $2 and state = 'unclaimed'""",
        uow.tenant, unclaimed_id, uow.now, uow.actor.id,
    )  # fmt: skip


async def list_unclaimed(uow: UnitOfWork, *, limit: int, before: tuple[datetime, UUID] | None) -> list[UnclaimedView]:
    """Return unclaimed amounts, newest first, older than a (time, id) pair."""
    at, last = before or (None, None)
    rows = await uow.fetch(
        """-- payments.list_unclaimed
        select id, source, reason, amount_cents, shortcode, mpesa_receipt_number, payment_id, state, received_at
        from unclaimed_money
        where business_id = $1 and state = 'unclaimed' and ($2::timestamptz is null or (received_at, id) < ($2, $3::uuid))
        order by received_at desc, id desc limit $4""",
        uow.tenant, at, last, limit,
    )  # fmt: skip
    return [UnclaimedView(**row) for row in rows]
