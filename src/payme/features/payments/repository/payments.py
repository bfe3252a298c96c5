"""SQL of payments themselves."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from payme.features.payments.enums import OPEN_STATUSES, PaymentStatus
from payme.features.payments.schemas import PaymentView, UnsettledPayment
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
    amount_cents: int
    paid_cents: int | None
    payee: str
    shortcode: str | None
    phone_encrypted: bytes | None
    checkout_request_id: str | None
    mpesa_receipt_number: str | None
    claimed_cents: int | None
    account_reference: str | None
    checks: int
    sent_at: datetime | None
    created_at: datetime

    @property
    def asked_at(self) -> datetime:
        """When the prompt was sent; before that, when it was wanted."""
        return self.sent_at or self.created_at

    @property
    def is_in_doubt(self) -> bool:
        """Whether M-Pesa's answer can still change something: it is open, or a claim about it is not confirmed."""
        return self.status in OPEN_STATUSES or self.claimed_cents is not None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a decision changes about a payment; None leaves a value as it is, and `settles_claim` ends what was claimed."""

    status: PaymentStatus
    paid_cents: int | None = None
    receipt: str | None = None
    checkout_request_id: str | None = None
    merchant_request_id: str | None = None
    reason_code: str | None = None
    reason_text: str | None = None
    claimed_cents: int | None = None
    late: bool = False
    settles_claim: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """The payment behind money in the tray: whom it was for, and whether M-Pesa has still to confirm it."""

    payee: str
    is_in_dispute: bool


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
        select id, purpose, purpose_id, method, status, amount_cents, paid_cents, payee, shortcode, phone_encrypted,
          checkout_request_id, mpesa_receipt_number, claimed_cents, account_reference, checks, sent_at, created_at
        from payments where business_id = $1 and id = $2 for update""",
        uow.tenant, payment_id,
    )  # fmt: skip
    return replace(StoredPayment(**row), status=PaymentStatus(row["status"])) if row else None


async def find_origin(uow: UnitOfWork, payment_id: UUID) -> Origin:
    """Return what must be known of the payment that money in the tray is left over from."""
    row = await uow.fetchrow(
        """-- payments.find_origin
        select payee, claimed_cents is not null or (method = 'mpesa_claim' and assurance <> 'confirmed') as is_in_dispute
        from payments where business_id = $1 and id = $2""",
        uow.tenant, payment_id,
    )  # fmt: skip
    assert row is not None, "a row of the tray names a payment of its business"
    return Origin(**row)


_VIEW_COLUMNS: Final = (
    "id, purpose, purpose_id, method, status, assurance, amount_cents, paid_cents, phone_masked as phone, mpesa_receipt_number, "
    "reason_code, reason_text, late, settlement, excess_cents, channel, verdict, confirmed_cents, is_odd, created_at, ended_at, rev"
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


async def mark_sending(uow: UnitOfWork, payment_id: UUID, *, shortcode: str, account_reference: str | None) -> None:
    """Record that the push is about to leave, for this short code, and the account that is this payment's alone, if any."""
    await uow.execute(
        """-- payments.mark_sending
        update payments set status = 'sending', sent_at = $3, shortcode = $4, account_reference = $5, rev = rev + 1
        where business_id = $1 and id = $2 and status = 'created'""",
        uow.tenant, payment_id, uow.now, shortcode, account_reference,
    )  # fmt: skip


async def mark_unsent(uow: UnitOfWork, payment_id: UUID) -> None:
    """Record that nothing left after all, so that the push may be tried again."""
    await uow.execute(
        """-- payments.mark_unsent
        update payments set status = 'created', sent_at = null, rev = rev + 1
        where business_id = $1 and id = $2 and status = 'sending'""",
        uow.tenant, payment_id,
    )  # fmt: skip


async def move(uow: UnitOfWork, payment_id: UUID, changes: Changes) -> None:
    """Record what a decision made of a payment; what is None stays."""
    await uow.execute(
        """-- payments.move
        update payments set status = $3, moved_at = $4, assurance = case when $3 = 'succeeded' then 'confirmed' else 'none' end,
          ended_at = case when status = $3 then ended_at when $3 in ('succeeded', 'failed', 'expired') then $4 end,
          paid_cents = coalesce($5, paid_cents), mpesa_receipt_number = coalesce($6, mpesa_receipt_number),
          checkout_request_id = coalesce(checkout_request_id, $7), merchant_request_id = coalesce(merchant_request_id, $8),
          reason_code = case when $3 = 'succeeded' then null else coalesce($9, reason_code) end,
          reason_text = case when $3 = 'succeeded' then null else coalesce($10, reason_text) end,
          late = late or $11, claimed_cents = case when not $13 then coalesce($12, claimed_cents) end, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, payment_id, changes.status, uow.now, changes.paid_cents, changes.receipt, changes.checkout_request_id,
        changes.merchant_request_id, changes.reason_code, changes.reason_text, changes.late, changes.claimed_cents,
        changes.settles_claim,
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
        update payments set settlement = $3, excess_cents = $5, moved_at = $6, rev = rev + 1
        where business_id = $1 and id = $2 and status = 'succeeded' and coalesce(settlement, '') = $4""",
        uow.tenant, payment_id, settlement, expected, excess_cents, uow.now,
    ) > 0  # fmt: skip


async def list_unsettled(uow: UnitOfWork, *, before: datetime, patience: timedelta) -> list[UnsettledPayment]:
    """Return the payments whose end is not known, or whose purpose has not heard of it, since before an instant; oldest first.

    And what a query credited where Pull has looked on for as long as `patience` and its receipt is not known.
    """
    rows = await uow.fetch(
        """-- payments.list_unsettled
        select id as payment_id, purpose, purpose_id, status, coalesce(sent_at, created_at) as since, amount_cents, checks,
          checkout_request_id is not null as can_ask, claimed_cents, false as lacks_receipt
        from payments
        where business_id = $1 and created_at < $2 and method = 'mpesa_stk'
          and (status in ('created', 'sending', 'pending', 'unknown') or claimed_cents is not null
            or (status = 'succeeded' and settlement is null))
        union all
        select p.id, p.purpose, p.purpose_id, p.status, coalesce(p.sent_at, p.created_at), p.amount_cents, p.checks,
          p.checkout_request_id is not null, p.claimed_cents, true
        from payments p join pull_windows w on w.business_id = $1 and w.shortcode = p.shortcode
        where p.business_id = $1 and p.created_at < $2 and p.method = 'mpesa_stk' and p.payee = 'business'
          and p.status = 'succeeded' and p.mpesa_receipt_number is null and p.settlement is not null and p.claimed_cents is null
          and coalesce(p.sent_at, p.created_at) + $3 <= w.covered_until
        order by since, payment_id""",
        uow.tenant, before, patience,
    )  # fmt: skip
    return [UnsettledPayment(**row) for row in rows]
