"""4. Sales: their sums, their money, their goods, their token, their receipt numbers."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(4)
async def sale_total(uow: UnitOfWork) -> Rows:
    """A sale's total is its lines plus rounding; its VAT, discount and cost are the sums of theirs."""
    return await uow.fetch(
        """-- operations.sale_total
        select s.id from sales s
        left join (
          select sale_id, sum(total_cents) as total, sum(vat_cents) as vat, sum(discount_cents) as discount, sum(cost_cents) as cost
          from sale_lines where business_id = $1 group by 1) l on l.sale_id = s.id
        where s.business_id = $1 and (
          s.total_cents is distinct from l.total + s.rounding_cents
          or s.vat_cents is distinct from l.vat
          or s.discount_cents is distinct from l.discount
          or (s.completed_at is not null and s.cost_cents is distinct from l.cost))""",
        uow.tenant,
    )


@invariant(4)
async def line_total(uow: UnitOfWork) -> Rows:
    """A line is its quantity at its price less its discount, and holds the VAT of its rate."""
    return await uow.fetch(
        """-- operations.line_total
        select id from sale_lines where business_id = $1 and (
          total_cents <> round(quantity * unit_price_cents) - discount_cents
          or vat_cents <> round(total_cents::numeric * vat_basis_points / (10000 + vat_basis_points)))""",
        uow.tenant,
    )


@invariant(4)
async def sale_paid(uow: UnitOfWork) -> Rows:
    """A sale is paid what was applied to it, and a completed one in full."""
    return await uow.fetch(
        """-- operations.sale_paid
        select s.id from sales s
        left join (
          select purpose_id, sum(least(amount_cents, coalesce(paid_cents, amount_cents)) - excess_cents) as paid from payments
          where business_id = $1 and purpose = 'sale' and status = 'succeeded' and settlement = 'applied' group by 1) p
        on p.purpose_id = s.id
        where s.business_id = $1
          and (s.paid_cents <> coalesce(p.paid, 0) or (s.completed_at is not null and s.paid_cents <> s.total_cents))""",
        uow.tenant,
    )


@invariant(4)
async def applied_to_a_sale_that_takes_it(uow: UnitOfWork) -> Rows:
    """No money stays applied to a sale that was cancelled, failed or expired."""
    return await uow.fetch(
        """-- operations.applied_to_a_sale_that_takes_it
        select p.id from payments p join sales s on s.business_id = p.business_id and s.id = p.purpose_id
        where p.business_id = $1 and p.purpose = 'sale' and p.settlement = 'applied'
          and s.status in ('cancelled', 'payment_failed', 'expired')""",
        uow.tenant,
    )


@invariant(4)
async def sale_booked(uow: UnitOfWork) -> Rows:
    """Each completed sale is booked: revenue, VAT, rounding and cost; nothing else is."""
    return await uow.fetch(
        """-- operations.sale_booked
        select s.id from sales s
        left join (
          select cause, coalesce(sum(amount) filter (where kind = 'sale.vat'), 0) as vat,
            coalesce(sum(amount) filter (where kind = 'sale.cost'), 0) as cost,
            coalesce(sum(amount) filter (where kind = 'sale.rounding'), 0) as rounding
          from postings where business_id = $1 and kind in ('sale.vat', 'sale.cost', 'sale.rounding') group by cause) b
        on b.cause = s.id
        left join (
          select y.purpose_id, sum(q.amount) as revenue from payments y
          join postings q on q.business_id = y.business_id and q.cause = y.id and q.kind = 'sale.payment'
          where y.business_id = $1 and y.purpose = 'sale' group by 1) m on m.purpose_id = s.id
        where s.business_id = $1 and case when s.completed_at is null
          then b.cause is not null or m.revenue is not null
          else coalesce(b.vat, 0) <> s.vat_cents or coalesce(b.cost, 0) <> s.cost_cents
            or coalesce(b.rounding, 0) <> abs(s.rounding_cents) or coalesce(m.revenue, 0) <> s.total_cents end""",
        uow.tenant,
    )


@invariant(4)
async def sale_took_its_goods(uow: UnitOfWork) -> Rows:
    """Each completed sale took from stock what its lines say, at their cost; no other sale took anything."""
    return await uow.fetch(
        """-- operations.sale_took_its_goods
        select coalesce(l.sale_id, m.cause) from (
          select l.sale_id, l.product_id, sum(l.quantity) as q, sum(l.cost_cents) as c
          from sale_lines l join sales s on s.business_id = l.business_id and s.id = l.sale_id
          where l.business_id = $1 and l.track_stock and s.completed_at is not null group by 1, 2) l
        full join (
          select cause, product_id, -sum(quantity) as q, -sum(cost_cents) as c
          from stock_movements where business_id = $1 and kind = 'sale' group by 1, 2) m
        on m.cause = l.sale_id and m.product_id = l.product_id
        where l.q is distinct from m.q or l.c is distinct from m.c""",
        uow.tenant,
    )


@invariant(4)
async def waiting_sale_holds_its_token(uow: UnitOfWork) -> Rows:
    """A sale that awaits payment holds one token, and no other sale holds any."""
    return await uow.fetch(
        """-- operations.waiting_sale_holds_its_token
        select coalesce(s.id, r.cause) from (select id from sales where business_id = $1 and status = 'awaiting_payment') s
        full join (
          select cause, sum(quantity) as q from token_reservations
          where business_id = $1 and operation = 'sale' and state = 'held' group by 1) r on r.cause = s.id
        where s.id is null or r.q is distinct from 1""",
        uow.tenant,
    )


@invariant(4)
async def waiting_sale_holds_its_goods(uow: UnitOfWork) -> Rows:
    """A sale that awaits payment has set aside what its lines say, and no other sale has set aside anything."""
    return await uow.fetch(
        """-- operations.waiting_sale_holds_its_goods
        select coalesce(l.sale_id, r.cause) from (
          select l.sale_id, l.product_id, sum(l.quantity) as q
          from sale_lines l join sales s on s.business_id = l.business_id and s.id = l.sale_id
          where l.business_id = $1 and l.track_stock and s.status = 'awaiting_payment' group by 1, 2) l
        full join (
          select cause, product_id, sum(quantity) as q from stock_reservations
          where business_id = $1 and state = 'held' group by 1, 2) r on r.cause = l.sale_id and r.product_id = l.product_id
        where l.q is distinct from r.q""",
        uow.tenant,
    )


@invariant(4)
async def receipt_numbers_run(uow: UnitOfWork) -> Rows:
    """A till's receipt numbers are each given once, and none is left out; where a device makes them, none is ahead of the counter."""
    return await uow.fetch(
        """-- operations.receipt_numbers_run
        select s.till_id from (
          select till_id, count(*) as sales, count(distinct receipt_number) as numbers,
            max(split_part(receipt_number, '-', 2)::bigint) as highest
          from sales where business_id = $1 group by 1) s
        left join till_counters c on c.business_id = $1 and c.till_id = s.till_id
        left join devices d on d.business_id = $1 and d.till_id = s.till_id
        where s.sales <> s.numbers or case when d.id is null then c.last_receipt is distinct from s.sales
          else c.last_receipt is null or c.last_receipt < s.highest end""",
        uow.tenant,
    )


SALES: Final = (
    sale_total,
    line_total,
    sale_paid,
    applied_to_a_sale_that_takes_it,
    sale_booked,
    sale_took_its_goods,
    waiting_sale_holds_its_token,
    waiting_sale_holds_its_goods,
    receipt_numbers_run,
)
