"""SQL of what the daily proof asks of payments: the documents behind the books.

Nothing is written here; where all evidence of money went is added up in `sums`. Payments that belong to the platform are left out; it books them elsewhere.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class MoneyDocument:
    """A payment, a row of the tray, a payout or a write-off, in cents.

    `held_cents` is what it holds for its purpose, `gross_cents` what M-Pesa moved under its receipt. It happened between
    `began_at` and `ended_at`.
    """

    id: UUID
    kind: str
    method: str
    state: str
    amount_cents: int
    held_cents: int
    gross_cents: int
    confirmed_cents: int | None
    excess_cents: int
    settlement: str | None
    verdict: str | None
    purpose: str | None
    purpose_id: UUID | None
    receipt: str | None
    shortcode: str | None
    made_by: UUID | None
    began_at: datetime
    ended_at: datetime | None


_PAYMENT: Final = """
    select p.id, 'payment' as kind, p.method, p.status as state, p.amount_cents,
      least(p.amount_cents, coalesce(p.paid_cents, p.amount_cents)) as held_cents,
      case p.method when 'mpesa_claim' then coalesce(p.confirmed_cents, 0) + (
          select coalesce(sum(u.amount_cents), 0)::bigint from unclaimed_money u
          where u.business_id = p.business_id and u.payment_id = p.id and u.reason = 'overpaid')
        else coalesce(p.paid_cents, 0) end as gross_cents,
      p.confirmed_cents, p.excess_cents, p.settlement, p.verdict, p.purpose, p.purpose_id, p.mpesa_receipt_number as receipt,
      p.shortcode, p.created_by as made_by, coalesce(p.sent_at, p.created_at) as began_at, p.ended_at
    from payments p where p.business_id = $1 and p.payee = 'business'"""
_TRAY: Final = """
    select u.id, 'tray', u.reason, u.state, u.amount_cents, u.amount_cents, u.amount_cents, null, 0, null, null, u.purpose,
      u.purpose_id, u.mpesa_receipt_number, u.shortcode, null, coalesce(u.paid_at, u.received_at), u.received_at
    from unclaimed_money u left join payments p on p.business_id = u.business_id and p.id = u.payment_id
    where u.business_id = $1 and coalesce(p.payee, 'business') = 'business'"""
_PAYOUT: Final = """
    select o.id, 'payout', o.kind, o.state, o.amount_cents, o.amount_cents, -o.amount_cents, null, 0,
      case when o.is_displaced then 'displaced' end, null, o.purpose,
      o.purpose_id, o.mpesa_receipt_number, o.shortcode, o.requested_by, coalesce(o.sent_at, o.created_at), o.ended_at
    from payouts o where o.business_id = $1"""
_WRITE_OFF: Final = """
    select w.id, 'write_off', '', w.state, w.amount_cents, w.amount_cents, 0, null, 0, null, null, 'payment', w.payment_id, null,
      null, w.written_off_by, w.written_off_at, w.written_off_at
    from claim_write_offs w where w.business_id = $1"""
_OF_IDS: Final = (
    "-- payments.list_documents"
    + _PAYMENT + " and p.id = any($2::uuid[]) union all"
    + _TRAY + " and u.id = any($2::uuid[]) union all"
    + _PAYOUT + " and o.id = any($2::uuid[]) union all"
    + _WRITE_OFF + " and (w.id = any($2::uuid[]) or w.payment_id = any($2::uuid[])) order by id"
)  # fmt: skip
_OF_DAY: Final = (
    "-- payments.list_documents_between"
    + _PAYMENT + " and p.status = 'succeeded' and p.method in ('cash', 'card_recorded') and p.created_at >= $2 and p.created_at < $3 union all"
    + _PAYMENT + " and p.status = 'succeeded' and p.method not in ('cash', 'card_recorded', 'credit') and p.ended_at >= $2 and p.ended_at < $3 union all"
    + _TRAY + " and u.received_at >= $2 and u.received_at < $3 union all"
    + _PAYOUT + " and o.state = 'succeeded' and o.ended_at >= $2 and o.ended_at < $3 order by id"
)  # fmt: skip
_OF_RECEIPTS: Final = (
    "-- payments.list_documents_of_receipts"
    + _PAYMENT + " and p.mpesa_receipt_number = any($2::text[]) union all"
    + _TRAY + " and u.payment_id is null and u.mpesa_receipt_number = any($2::text[]) union all"
    + _PAYOUT + " and o.mpesa_receipt_number = any($2::text[]) order by id"
)  # fmt: skip


async def list_documents(uow: UnitOfWork, ids: Sequence[UUID]) -> list[MoneyDocument]:
    """Return the documents of these ids and the write-offs of these payments, in the order of ids."""
    return [MoneyDocument(**row) for row in await uow.fetch(_OF_IDS, uow.tenant, list(ids))]


async def list_documents_between(uow: UnitOfWork, *, since: datetime, until: datetime) -> list[MoneyDocument]:
    """Return the documents of money that moved in a stretch of time, in the order of ids."""
    return [MoneyDocument(**row) for row in await uow.fetch(_OF_DAY, uow.tenant, since, until)]


async def list_documents_of_receipts(uow: UnitOfWork, receipts: Sequence[str]) -> list[MoneyDocument]:
    """Return the documents that hold these receipts; of money taken out of the tray, the payment and the row."""
    return [MoneyDocument(**row) for row in await uow.fetch(_OF_RECEIPTS, uow.tenant, list(receipts))]


async def sum_applied(uow: UnitOfWork, purpose: str, purpose_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return what payments say is applied to each purpose, in cents."""
    rows = await uow.fetch(
        """-- payments.sum_applied
        select purpose_id, sum(least(amount_cents, coalesce(paid_cents, amount_cents)) - excess_cents)::bigint as applied
        from payments
        where business_id = $1 and purpose = $2 and purpose_id = any($3::uuid[]) and status = 'succeeded' and settlement = 'applied'
        group by purpose_id""",
        uow.tenant, purpose, list(purpose_ids),
    )  # fmt: skip
    return {row["purpose_id"]: row["applied"] for row in rows}
