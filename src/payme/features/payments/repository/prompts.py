"""SQL of prompts that a notice of money may be about."""

from datetime import datetime
from uuid import UUID

from asyncpg import Record

from payme.features.payments.enums import PaymentStatus
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class Candidate:
    """A prompt without a receipt, with its number still sealed."""

    id: UUID
    status: PaymentStatus
    amount_cents: int
    phone_encrypted: bytes
    account_reference: str | None
    asked_at: datetime


async def list_by_reference(uow: UnitOfWork, reference: str, *, since: datetime) -> list[UUID]:
    """Return the payments, made since an instant, whose prompt showed this account, in any state; two at most."""
    rows = await uow.fetch(
        """-- payments.list_by_reference
        select id from payments where business_id = $1 and account_reference = $2 and created_at >= $3 order by created_at, id limit 2""",
        uow.tenant, reference, since,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def list_candidates(
    uow: UnitOfWork, *, amount_cents: int, shortcodes: list[str], since: datetime, until: datetime
) -> list[Candidate]:
    """Return the prompts of an amount, sent between two instants, whose receipt is not known; newest first, fifty at most."""
    rows = await uow.fetch(
        """-- payments.list_candidates
        select id, status, amount_cents, phone_encrypted, account_reference, coalesce(sent_at, created_at) as asked_at from payments
        where business_id = $1 and created_at >= $4 and method = 'mpesa_stk' and payee = 'business' and amount_cents = $2
          and shortcode = any($3) and mpesa_receipt_number is null and phone_encrypted is not null
          and coalesce(sent_at, created_at) <= $5
        order by created_at desc, id desc limit 50""",
        uow.tenant, amount_cents, shortcodes, since, until,
    )  # fmt: skip
    return [_candidate(row) for row in rows]


async def list_untold(uow: UnitOfWork, *, shortcodes: list[str], since: datetime, until: datetime) -> list[Candidate]:
    """Return the prompts of any amount, sent between two instants, that are open or succeeded and whose receipt is not known."""
    rows = await uow.fetch(
        """-- payments.list_untold
        select id, status, amount_cents, phone_encrypted, account_reference, coalesce(sent_at, created_at) as asked_at from payments
        where business_id = $1 and created_at between $3::timestamptz - interval '1 day' and $4 and method = 'mpesa_stk'
          and payee = 'business' and status not in ('failed', 'expired') and shortcode = any($2) and mpesa_receipt_number is null
          and phone_encrypted is not null and coalesce(sent_at, created_at) between $3 and $4
        order by created_at, id""",
        uow.tenant, shortcodes, since, until,
    )  # fmt: skip
    return [_candidate(row) for row in rows]


async def lock_prompts(uow: UnitOfWork, payment_ids: list[UUID]) -> None:
    """Lock prompts, the oldest first."""
    await uow.execute(
        """-- payments.lock_prompts
        select id from payments where business_id = $1 and id = any($2::uuid[]) order by created_at, id for update""",
        uow.tenant, payment_ids,
    )  # fmt: skip


async def list_unasked(uow: UnitOfWork, purpose: str, purpose_id: UUID) -> list[UUID]:
    """Return the prompts of a purpose whose sending is in doubt, so that nobody can ask about them."""
    rows = await uow.fetch(
        """-- payments.list_unasked
        select id from payments where business_id = $1 and purpose = $2 and purpose_id = $3 and method = 'mpesa_stk'
          and status = 'unknown' and checkout_request_id is null order by created_at, id""",
        uow.tenant, purpose, purpose_id,
    )  # fmt: skip
    return [row["id"] for row in rows]


def _candidate(row: Record) -> Candidate:
    return Candidate(
        row["id"],
        PaymentStatus(row["status"]),
        row["amount_cents"],
        row["phone_encrypted"],
        row["account_reference"],
        row["asked_at"],
    )
