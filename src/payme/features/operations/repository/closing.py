"""7 and 10. What closing a day posts, and that nobody closes what is of their own making."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(7)
async def variance_is_its_difference(uow: UnitOfWork) -> Rows:
    """Each difference of counted cash that was closed is booked once, whole, and nothing else is booked as one."""
    return await uow.fetch(
        """-- operations.variance_is_its_difference
        select coalesce(d.id, v.cause) from (
          select id, amount_cents from differences
          where business_id = $1 and kind in ('cash_short', 'cash_over') and state = 'closed') d
        full join (
          select q.cause, case when a.id = q.to_account then q.amount else -q.amount end as amount
          from postings q join accounts a on a.business_id = q.business_id and a.code = 'cash'
          where q.business_id = $1 and q.kind = 'cash.variance') v on v.cause = d.id and v.amount = d.amount_cents
        where d.id is null or v.cause is null""",
        uow.tenant,
    )


@invariant(7)
async def write_off_is_booked(uow: UnitOfWork) -> Rows:
    """A claim that was written off is booked so once, by somebody else than who claimed it; one that was undone is booked back."""
    return await uow.fetch(
        """-- operations.write_off_is_booked
        select w.id from claim_write_offs w
        left join postings o on o.business_id = w.business_id and o.cause = w.id and o.kind = 'claim.written_off'
        left join postings u on u.business_id = w.business_id and u.cause = w.id and u.kind = 'claim.write_off_undone'
        left join payments p on p.business_id = w.business_id and p.id = w.payment_id
        where w.business_id = $1 and (o.amount is distinct from w.amount_cents or w.written_off_by in (w.claimed_by, p.created_by)
          or u.amount is distinct from case w.state when 'undone' then w.amount_cents end)""",
        uow.tenant,
    )


@invariant(7)
async def fee_is_its_row(uow: UnitOfWork) -> Rows:
    """Each fee that is booked stands in an uploaded statement, of that very amount."""
    return await uow.fetch(
        """-- operations.fee_is_its_row
        select q.cause from postings q
        left join statement_rows r on r.business_id = q.business_id and r.id = q.cause and r.kind = 'fee' and r.state = 'booked'
          and r.amount_cents = -q.amount
        where q.business_id = $1 and q.kind = 'statement.fee' and r.id is null""",
        uow.tenant,
    )


@invariant(10)
async def closed_by_another(uow: UnitOfWork) -> Rows:
    """Each difference that was closed was closed by somebody else than its maker, and has its line in the audit log."""
    return await uow.fetch(
        """-- operations.closed_by_another
        select d.id from differences d where d.business_id = $1 and d.state = 'closed' and (d.closed_by = d.made_by or not exists (
          select from audit_log a where a.business_id = $1 and a.subject_id = d.id and a.action = 'difference.closed'))""",
        uow.tenant,
    )


CLOSING: Final = (variance_is_its_difference, write_off_is_booked, fee_is_its_row, closed_by_another)
