"""SQL of payouts."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payme.features.payments.rules.payouts import ASK_AFTER, PayoutState
from payme.features.payments.schemas import PayoutView
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class NewPayout:
    """A payout to be written, in cents; `original_receipt` is that of the payment that a reversal sends back."""

    id: UUID
    kind: str
    purpose: str
    purpose_id: UUID
    state: PayoutState
    amount_cents: int
    reason: str
    shortcode: str
    originator_conversation_id: str
    requested_by: UUID
    phone_encrypted: bytes | None = None
    phone_masked: str = ""
    original_receipt: str | None = None
    approval_id: UUID | None = None


@value
class StoredPayout:
    """A payout under lock."""

    id: UUID
    kind: str
    purpose: str
    purpose_id: UUID
    state: PayoutState
    amount_cents: int
    reason: str
    shortcode: str
    phone_encrypted: bytes | None
    original_receipt: str | None
    approval_id: UUID | None
    originator_conversation_id: str
    conversation_id: str | None
    mpesa_receipt_number: str | None
    questions: int
    requested_by: UUID
    is_displaced: bool
    sent_at: datetime | None
    created_at: datetime


@value
class Moved:
    """What is new about a payout; None leaves a value as it is."""

    state: PayoutState
    conversation_id: str | None = None
    receipt: str | None = None
    reason_code: str | None = None
    reason_text: str | None = None
    decided_by: UUID | None = None
    is_displaced: bool = False


_VIEW: Final = (
    "id, kind, purpose, purpose_id, state, amount_cents, reason, phone_masked as phone, approval_id, mpesa_receipt_number, "
    "questions, reason_code, reason_text, requested_by, decided_by, created_at, sent_at, ended_at, rev"
)
_COLUMNS: Final = (
    "id, kind, purpose, purpose_id, state, amount_cents, reason, shortcode, phone_encrypted, original_receipt, approval_id, "
    "originator_conversation_id, conversation_id, mpesa_receipt_number, questions, requested_by, is_displaced, sent_at, created_at"
)
_LOCK: Final = (
    "-- payments.lock_payout\nselect " + _COLUMNS + " from payouts where business_id = $1 and id = $2 for update"
)
_LOCK_HOLDER: Final = (
    "-- payments.lock_payout_holder\nselect " + _COLUMNS + " from payouts where business_id = $1 and purpose = $2"
    " and purpose_id = $3 and state not in ('rejected', 'failed') and not is_displaced for update"
)
_FIND: Final = "-- payments.find_payout\nselect " + _VIEW + " from payouts where business_id = $1 and id = $2"
_LIST: Final = (
    "-- payments.list_payouts\nselect " + _VIEW + " from payouts where business_id = $1"
    " and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid)) and ($4::text is null or state = $4)"
    " and (not $6::boolean or (state in ('sending', 'pending', 'unknown') and questions >= $7))"
    " order by created_at desc, id desc limit $5"
)


async def insert_payout(uow: UnitOfWork, new: NewPayout) -> None:
    """Insert a payout. Raises: PayoutExists for a purpose that has one on its way or done."""
    await uow.execute(
        """-- payments.insert_payout
        insert into payouts (business_id, id, kind, purpose, purpose_id, state, amount_cents, reason, shortcode, phone_encrypted,
          phone_masked, original_receipt, approval_id, originator_conversation_id, requested_by, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)""",
        uow.tenant, new.id, new.kind, new.purpose, new.purpose_id, new.state, new.amount_cents, new.reason, new.shortcode,
        new.phone_encrypted, new.phone_masked, new.original_receipt, new.approval_id, new.originator_conversation_id,
        new.requested_by, uow.now,
    )  # fmt: skip


async def lock_payout(uow: UnitOfWork, payout_id: UUID) -> StoredPayout | None:
    """Lock and return a payout, or None."""
    row = await uow.fetchrow(_LOCK, uow.tenant, payout_id)
    return _stored(row) if row else None


async def lock_holder(uow: UnitOfWork, purpose: str, purpose_id: UUID) -> StoredPayout | None:
    """Lock and return the one payout that holds a purpose: on its way to it, or done; None where it is free."""
    row = await uow.fetchrow(_LOCK_HOLDER, uow.tenant, purpose, purpose_id)
    return _stored(row) if row else None


def _stored(row: Any) -> StoredPayout:
    return replace(StoredPayout(**row), state=PayoutState(row["state"]))


async def move_payout(uow: UnitOfWork, payout_id: UUID, moved: Moved) -> None:
    """Record where a payout went."""
    await uow.execute(
        """-- payments.move_payout
        update payouts set state = $3, conversation_id = coalesce(conversation_id, $5),
          mpesa_receipt_number = coalesce(mpesa_receipt_number, $6), decided_by = coalesce(decided_by, $9),
          reason_code = case when $3 = 'succeeded' then null else coalesce($7, reason_code) end,
          reason_text = case when $3 = 'succeeded' then null else coalesce($8, reason_text) end,
          sent_at = case when $3 = 'sending' then $4 when $3 = 'approved' then null else sent_at end,
          ended_at = case when $3 not in ('rejected', 'succeeded', 'failed') then null when $3 = state then ended_at else $4 end,
          is_displaced = is_displaced or $10, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, payout_id, moved.state, uow.now, moved.conversation_id, moved.receipt, moved.reason_code,
        moved.reason_text, moved.decided_by, moved.is_displaced,
    )  # fmt: skip


async def set_approval(uow: UnitOfWork, payout_id: UUID, approval_id: UUID) -> None:
    """Record which request a payout waits for."""
    await uow.execute(
        """-- payments.set_payout_approval
        update payouts set approval_id = $3 where business_id = $1 and id = $2""",
        uow.tenant, payout_id, approval_id,
    )  # fmt: skip


async def count_question(uow: UnitOfWork, payout_id: UUID) -> None:
    """Count one question about a payout."""
    await uow.execute(
        """-- payments.count_payout_question
        update payouts set questions = questions + 1 where business_id = $1 and id = $2""",
        uow.tenant, payout_id,
    )  # fmt: skip


async def paid_out_since(uow: UnitOfWork, since: datetime) -> int:
    """Return what a business has asked to pay out since an instant, refused and failed apart, in cents; others wait for this answer's end."""
    await uow.execute(
        """-- payments.serialise_payouts
        select pg_advisory_xact_lock(hashtextextended('payouts' || $1::uuid::text, 0))""",
        uow.tenant,
    )
    return await uow.fetchval(
        """-- payments.paid_out_since
        select coalesce(sum(amount_cents), 0)::bigint from payouts
        where business_id = $1 and created_at >= $2 and purpose = 'other' and state not in ('rejected', 'failed')""",
        uow.tenant, since,
    )  # fmt: skip


async def find_payout(uow: UnitOfWork, payout_id: UUID) -> PayoutView | None:
    """Return a payout, or None."""
    row = await uow.fetchrow(_FIND, uow.tenant, payout_id)
    return PayoutView(**row) if row else None


async def list_payouts(
    uow: UnitOfWork,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None,
    state: str | None,
    left_to_person: bool = False,
) -> list[PayoutView]:
    """Return payouts, newest first, older than a (time, id) pair; `left_to_person`: only those that M-Pesa is not asked about again."""
    at, last = before or (None, None)
    rows = await uow.fetch(_LIST, uow.tenant, at, last, state, limit, left_to_person, len(ASK_AFTER))
    return [PayoutView(**row) for row in rows]
