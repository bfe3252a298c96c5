"""SQL of refunds. Whoever writes here holds the lock of the sale, which is the lock of all of its refunds."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from payme.features.sales.enums import RefundKind, RefundMethod, RefundState, Restock
from payme.features.sales.rules.refunds import Left
from payme.features.sales.schemas.refunds import RefundLineView, RefundView
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

HOLDING: Final = [RefundState.AWAITING_APPROVAL, RefundState.PENDING, RefundState.COMPLETED]
"""States in which a refund counts against what may still go back."""
_REFUNDS: Final = """
select f.id, f.sale_id, f.kind, f.method, f.state, f.amount_cents, f.rounding_cents, f.vat_cents, f.cost_cents,
    f.reason, s.status as sale_status, f.requested_by, f.approval_id, f.approved_by, f.end_reason, f.requested_at as created_at,
    f.ended_at, f.rev, f.shift_id, f.debt_cents, n.number as credit_note_number
  from refunds f join sales s on s.business_id = f.business_id and s.id = f.sale_id
  left join credit_notes n on n.business_id = f.business_id and n.refund_id = f.id"""
_FIND: Final = "-- sales.find_refund" + _REFUNDS + " where f.business_id = $1 and f.id = $2"
_LIST: Final = "-- sales.list_refunds" + _REFUNDS + " where f.business_id = $1 and f.sale_id = $2 order by f.id"


@value
class RefundLine:
    """A line of a refund to be written; amounts in cents."""

    id: UUID
    sale_line_number: int
    quantity: Decimal
    amount_cents: int
    vat_cents: int
    cost_cents: int
    restock: Restock


@value
class NewRefund:
    """A refund to be written; amounts in cents. `requested_by` and the time are the transaction's."""

    id: UUID
    sale_id: UUID
    kind: RefundKind
    method: RefundMethod
    state: RefundState
    amount_cents: int
    rounding_cents: int
    vat_cents: int
    cost_cents: int
    reason: str
    approval_id: UUID | None
    approved_by: UUID | None
    shift_id: UUID | None
    debt_cents: int
    lines: Sequence[RefundLine]


@value
class Held:
    """What refunds of a sale hold: how many there are, and amounts in cents, of it by M-Pesa, in money of any kind, off its debt."""

    count: int
    amount_cents: int
    mpesa_cents: int
    money_cents: int
    debt_cents: int


async def insert_refund(uow: UnitOfWork, refund: NewRefund) -> None:
    """Add a refund with its lines; it has not happened yet. Raises: RefundExists."""
    await uow.execute(
        """-- sales.insert_refund
        insert into refunds (business_id, id, sale_id, kind, method, state, amount_cents, rounding_cents, vat_cents, cost_cents, reason,
          requested_by, requested_at, approval_id, approved_by, shift_id, debt_cents)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)""",
        uow.tenant, refund.id, refund.sale_id, refund.kind, refund.method, refund.state, refund.amount_cents, refund.rounding_cents,
        refund.vat_cents, refund.cost_cents, refund.reason, uow.actor.id, uow.now, refund.approval_id, refund.approved_by,
        refund.shift_id, refund.debt_cents,
    )  # fmt: skip
    await uow.execute(
        """-- sales.insert_refund_lines
        insert into refund_lines (business_id, refund_id, sale_id, line_number, id, sale_line_number, quantity, amount_cents, vat_cents,
          cost_cents, restock)
        select $1, $2, $3, t.n, t.id, t.line, t.quantity, t.amount, t.vat, t.cost, t.restock
        from unnest($4::uuid[], $5::integer[], $6::numeric[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[])
          with ordinality t (id, line, quantity, amount, vat, cost, restock, n)""",
        uow.tenant, refund.id, refund.sale_id, [each.id for each in refund.lines], [each.sale_line_number for each in refund.lines],
        [each.quantity for each in refund.lines], [each.amount_cents for each in refund.lines],
        [each.vat_cents for each in refund.lines], [each.cost_cents for each in refund.lines], [each.restock for each in refund.lines],
    )  # fmt: skip


async def list_left(uow: UnitOfWork, sale_id: UUID) -> list[Left]:
    """Return the lines of a completed sale, less what refunds hold of them, in their order."""
    rows = await uow.fetch(
        """-- sales.list_left
        select l.id, l.line_number, l.product_id, l.quantity - coalesce(h.quantity, 0) as quantity,
          l.total_cents - coalesce(h.amount, 0) as amount_cents, l.vat_cents - coalesce(h.vat, 0) as vat_cents,
          l.cost_cents - coalesce(h.cost, 0) as cost_cents, l.track_stock
        from sale_lines l left join (
          select r.sale_line_number, sum(r.quantity) as quantity, sum(r.amount_cents)::bigint as amount, sum(r.vat_cents)::bigint as vat,
            sum(r.cost_cents)::bigint as cost
          from refund_lines r join refunds f on f.business_id = r.business_id and f.id = r.refund_id
          where r.business_id = $1 and r.sale_id = $2 and f.state = any ($3::text[]) group by 1) h
        on h.sale_line_number = l.line_number
        where l.business_id = $1 and l.sale_id = $2 order by l.line_number""",
        uow.tenant, sale_id, HOLDING,
    )  # fmt: skip
    return [Left(**row) for row in rows]


async def sum_held(uow: UnitOfWork, sale_id: UUID) -> Held:
    """Return what refunds of a sale hold of its money."""
    row = await uow.fetchrow(
        """-- sales.sum_held
        select count(*) as count, coalesce(sum(amount_cents), 0)::bigint as amount_cents,
          coalesce(sum(amount_cents - debt_cents) filter (where method = 'mpesa'), 0)::bigint as mpesa_cents,
          coalesce(sum(amount_cents - debt_cents) filter (where method <> 'credit_note'), 0)::bigint as money_cents,
          coalesce(sum(debt_cents), 0)::bigint as debt_cents
        from refunds where business_id = $1 and sale_id = $2 and state = any ($3::text[])""",
        uow.tenant, sale_id, HOLDING,
    )  # fmt: skip
    assert row is not None, "a select of sums has a row"
    return Held(**row)


async def quantities_returned(uow: UnitOfWork, sale_id: UUID) -> dict[UUID, tuple[Decimal, Decimal]]:
    """Return, for each line of a sale, what was sold and what has gone back for good."""
    rows = await uow.fetch(
        """-- sales.quantities_returned
        select l.id, l.quantity as sold, coalesce(sum(r.quantity) filter (where f.state = 'completed'), 0) as returned
        from sale_lines l
        left join refund_lines r
          on r.business_id = l.business_id and r.sale_id = l.sale_id and r.sale_line_number = l.line_number
        left join refunds f on f.business_id = r.business_id and f.id = r.refund_id
        where l.business_id = $1 and l.sale_id = $2 group by l.id, l.quantity""",
        uow.tenant, sale_id,
    )  # fmt: skip
    return {row["id"]: (row["sold"], row["returned"]) for row in rows}


async def move(
    uow: UnitOfWork,
    refund_id: UUID,
    state: RefundState,
    *,
    approved_by: UUID | None = None,
    evidence: dict[str, Any] | None = None,
    end_reason: str = "",
) -> None:
    """Record the next state of a refund."""
    await uow.execute(
        """-- sales.move_refund
        update refunds set state = $3, approved_by = coalesce($4, approved_by), evidence = coalesce($5::jsonb, evidence), end_reason = $6,
          ended_at = case when $3 in ('completed', 'failed', 'rejected') then $7::timestamptz end, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, refund_id, state, approved_by, evidence, end_reason, uow.now,
    )  # fmt: skip


async def find_refund(uow: UnitOfWork, refund_id: UUID) -> RefundView | None:
    """Return a refund with its lines, or None."""
    rows = await uow.fetch(_FIND, uow.tenant, refund_id)
    return (await _with_lines(uow, rows))[0] if rows else None


async def list_refunds(uow: UnitOfWork, sale_id: UUID) -> list[RefundView]:
    """Return the refunds of a sale with their lines, the oldest first."""
    return await _with_lines(uow, await uow.fetch(_LIST, uow.tenant, sale_id))


async def _with_lines(uow: UnitOfWork, rows: Sequence[Any]) -> list[RefundView]:
    lines = await uow.fetch(
        """-- sales.list_refund_lines
        select r.refund_id, r.id, l.id as sale_line_id, l.product_id, l.name, r.quantity, r.amount_cents, r.vat_cents, r.cost_cents, r.restock
        from refund_lines r
        join sale_lines l on l.business_id = r.business_id and l.sale_id = r.sale_id and l.line_number = r.sale_line_number
        where r.business_id = $1 and r.refund_id = any ($2::uuid[]) order by r.refund_id, r.line_number""",
        uow.tenant, [row["id"] for row in rows],
    )  # fmt: skip
    of_refund: dict[UUID, list[RefundLineView]] = {row["id"]: [] for row in rows}
    for each in lines:
        of_refund[each["refund_id"]].append(RefundLineView.model_validate(dict(each)))
    return [RefundView.model_validate({**row, "lines": of_refund[row["id"]]}) for row in rows]
