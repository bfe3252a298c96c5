"""4. Sales, what went back of them: never more than was paid and sold, and booked to the cent."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(4)
async def refunds_within_paid(uow: UnitOfWork) -> Rows:
    """What refunds of a sale gave back, or hold to give back, is not more than was paid for it; by M-Pesa, not more than came by it; in money, not what was paid by credit note; off its debt, not more than was bought on credit."""
    return await uow.fetch(
        """-- operations.refunds_within_paid
        select s.id from sales s join (
          select sale_id, sum(amount_cents) as amount, coalesce(sum(amount_cents - debt_cents) filter (where method = 'mpesa'), 0) as by_mpesa,
            coalesce(sum(amount_cents - debt_cents) filter (where method in ('cash', 'mpesa')), 0) as in_money,
            sum(debt_cents) as off_debt
          from refunds where business_id = $1 and state in ('awaiting_approval', 'pending', 'completed') group by 1) r on r.sale_id = s.id
        where s.business_id = $1 and (s.completed_at is null or r.amount > s.paid_cents or r.by_mpesa > (
          select coalesce(sum(least(amount_cents, paid_cents) - excess_cents), 0) from payments
          where business_id = $1 and purpose = 'sale' and purpose_id = s.id and method = 'mpesa_stk' and settlement = 'applied')
          or r.in_money > (
          select coalesce(sum(least(amount_cents, paid_cents) - excess_cents), 0) from payments
          where business_id = $1 and purpose = 'sale' and purpose_id = s.id and method not in ('credit_note', 'credit') and settlement = 'applied')
          or r.off_debt > (
          select coalesce(sum(amount_cents), 0) from payments
          where business_id = $1 and purpose = 'sale' and purpose_id = s.id and method = 'credit' and settlement = 'applied'))""",
        uow.tenant,
    )


@invariant(4)
async def refunds_within_sold(uow: UnitOfWork) -> Rows:
    """Of no line more goes back than was sold: neither quantity, amount, VAT nor cost."""
    return await uow.fetch(
        """-- operations.refunds_within_sold
        select l.id from sale_lines l join (
          select r.sale_id, r.sale_line_number, sum(r.quantity) as quantity, sum(r.amount_cents) as amount, sum(r.vat_cents) as vat,
            sum(r.cost_cents) as cost
          from refund_lines r join refunds f on f.business_id = r.business_id and f.id = r.refund_id
          where r.business_id = $1 and f.state in ('awaiting_approval', 'pending', 'completed') group by 1, 2) r
        on r.sale_id = l.sale_id and r.sale_line_number = l.line_number
        where l.business_id = $1
          and (r.quantity > l.quantity or r.amount > l.total_cents or r.vat > l.vat_cents or r.cost > l.cost_cents)""",
        uow.tenant,
    )


@invariant(4)
async def refund_total(uow: UnitOfWork) -> Rows:
    """A refund is its lines plus rounding, with their VAT and their cost; a sale of which all went back gave back all that was paid."""
    return await uow.fetch(
        """-- operations.refund_total
        select f.id from refunds f left join (
          select refund_id, sum(amount_cents) as amount, sum(vat_cents) as vat, sum(cost_cents) as cost
          from refund_lines where business_id = $1 group by 1) l on l.refund_id = f.id
        where f.business_id = $1 and (f.amount_cents is distinct from l.amount + f.rounding_cents or f.vat_cents is distinct from l.vat
          or f.cost_cents is distinct from l.cost)
        union all
        select s.id from sales s
        where s.business_id = $1 and s.status in ('refunded', 'voided') and s.paid_cents is distinct from (
          select sum(amount_cents) from refunds where business_id = $1 and sale_id = s.id and state = 'completed')""",
        uow.tenant,
    )


@invariant(4)
async def refund_shows_on_its_sale(uow: UnitOfWork) -> Rows:
    """A sale is voided by a void, refunded when all of it went back, partly when some did, and else as it was."""
    return await uow.fetch(
        """-- operations.refund_shows_on_its_sale
        select s.id from sales s left join (
          select f.sale_id, bool_or(f.kind = 'void') as voided from refunds f
          where f.business_id = $1 and f.state = 'completed' group by 1) r on r.sale_id = s.id
        left join (
          select l.sale_id, bool_and(l.quantity = coalesce(b.quantity, 0)) as whole from sale_lines l left join (
            select r.sale_id, r.sale_line_number, sum(r.quantity) as quantity
            from refund_lines r join refunds f on f.business_id = r.business_id and f.id = r.refund_id
            where r.business_id = $1 and f.state = 'completed' group by 1, 2) b
          on b.sale_id = l.sale_id and b.sale_line_number = l.line_number
          where l.business_id = $1 group by 1) w on w.sale_id = s.id
        where s.business_id = $1 and case when r.sale_id is null then s.status in ('partly_refunded', 'refunded', 'voided')
          else s.status <> case when r.voided then 'voided' when w.whole then 'refunded' else 'partly_refunded' end end""",
        uow.tenant,
    )


@invariant(4)
async def refund_booked(uow: UnitOfWork) -> Rows:
    """Each completed refund is booked: the money the way it went, its VAT and its rounding; nothing else is."""
    return await uow.fetch(
        """-- operations.refund_booked
        select coalesce(f.id, b.cause) from (select * from refunds where business_id = $1) f
        left join lateral (
          select coalesce(sum(amount_cents) filter (where method = 'cash'), 0) as cash,
            coalesce(sum(amount_cents) filter (where method = 'card_recorded'), 0) as card,
            coalesce(sum(amount_cents) filter (where method = 'credit_note'), 0) as note
          from payments where business_id = $1 and purpose = 'sale' and purpose_id = f.sale_id and settlement = 'applied'
            and f.method = 'as_paid') p on true
        full join (
          select cause, coalesce(sum(amount) filter (where kind = 'refund.cash'), 0) as cash,
            coalesce(sum(amount) filter (where kind = 'refund.card'), 0) as card,
            coalesce(sum(amount) filter (where kind = 'refund.mpesa'), 0) as mpesa,
            coalesce(sum(amount) filter (where kind = 'refund.credit_note'), 0) as note,
            coalesce(sum(amount) filter (where kind = 'refund.credit'), 0) as debt,
            coalesce(sum(amount) filter (where kind = 'refund.vat'), 0) as vat,
            coalesce(sum(amount) filter (where kind = 'refund.rounding'), 0) as rounding
          from postings where business_id = $1 and kind like 'refund.%' group by 1) b on b.cause = f.id
        where f.id is null or case when f.state = 'completed'
          then coalesce(b.cash, 0) <> case f.method when 'cash' then f.amount_cents - f.debt_cents else p.cash end
            or coalesce(b.card, 0) <> p.card or coalesce(b.mpesa, 0) <> case f.method when 'mpesa' then f.amount_cents - f.debt_cents else 0 end
            or coalesce(b.note, 0) <> case f.method when 'credit_note' then f.amount_cents - f.debt_cents else p.note end
            or coalesce(b.debt, 0) <> f.debt_cents
            or coalesce(b.vat, 0) <> f.vat_cents or coalesce(b.rounding, 0) <> abs(f.rounding_cents)
          else b.cause is not null end""",
        uow.tenant,
    )


@invariant(4)
async def refund_returned_its_goods(uow: UnitOfWork) -> Rows:
    """Each completed refund brought back what its lines say, at their cost, and wrote off what was spoiled; nothing else came back."""
    return await uow.fetch(
        """-- operations.refund_returned_its_goods
        select coalesce(l.refund_id, m.refund_id, m.cause) from (
          select r.refund_id, s.product_id, sum(r.quantity) as q, sum(r.cost_cents) as c,
            coalesce(sum(r.quantity) filter (where r.restock = 'spoilage'), 0) as lost,
            coalesce(sum(r.cost_cents) filter (where r.restock = 'spoilage'), 0) as loss
          from refund_lines r join refunds f on f.business_id = r.business_id and f.id = r.refund_id
          join sale_lines s on s.business_id = r.business_id and s.sale_id = r.sale_id and s.line_number = r.sale_line_number
          where r.business_id = $1 and f.state = 'completed' and r.restock <> 'none' group by 1, 2) l
        full join (
          select r.refund_id, case when r.refund_id is null then m.cause end as cause, m.product_id,
            coalesce(sum(m.quantity) filter (where m.kind = 'return_in'), 0) as q,
            coalesce(sum(m.cost_cents) filter (where m.kind = 'return_in'), 0) as c,
            coalesce(-sum(m.quantity) filter (where m.kind = 'spoilage'), 0) as lost,
            coalesce(-sum(m.cost_cents) filter (where m.kind = 'spoilage'), 0) as loss
          from stock_movements m left join refund_lines r on r.business_id = m.business_id and r.id = m.cause
          where m.business_id = $1 and (m.kind = 'return_in' or (m.kind = 'spoilage' and r.id is not null)) group by 1, 2, 3) m
        on m.refund_id = l.refund_id and m.product_id = l.product_id
        where l.q is distinct from m.q or l.c is distinct from m.c or l.lost is distinct from m.lost or l.loss is distinct from m.loss""",
        uow.tenant,
    )


REFUNDS: Final = (
    refunds_within_paid,
    refunds_within_sold,
    refund_total,
    refund_shows_on_its_sale,
    refund_booked,
    refund_returned_its_goods,
)
