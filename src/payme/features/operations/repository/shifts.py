"""7. Shifts: what moved through a drawer is what was booked, and what is over or short stands in the books once."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(7)
async def drawer_is_booked(uow: UnitOfWork) -> Rows:
    """What moved through a drawer is a posting of cash, of that very amount."""
    return await uow.fetch(
        """-- operations.drawer_is_booked
        select m.cause from shift_movements m
        left join (
          select q.cause, q.kind, sum(case when a.id = q.to_account then q.amount else -q.amount end) as amount
          from postings q join accounts a on a.business_id = q.business_id and a.id in (q.from_account, q.to_account)
          where q.business_id = $1 and a.code = 'cash' group by 1, 2) p on p.cause = m.cause and p.kind = m.kind
        where m.business_id = $1 and p.amount is distinct from m.amount_cents""",
        uow.tenant,
    )


@invariant(7)
async def shift_adds_up(uow: UnitOfWork) -> Rows:
    """A closed drawer should hold its float and what moved through it; of the difference all is booked, or nothing of it yet."""
    return await uow.fetch(
        """-- operations.shift_adds_up
        select s.id from shifts s
        left join (
          select shift_id, sum(amount_cents) as moved, count(*) filter (where is_late) as late from shift_movements
          where business_id = $1 group by 1) m on m.shift_id = s.id
        left join (
          select shift_id, sum(amount_cents) as booked from shift_variances where business_id = $1 group by 1) v on v.shift_id = s.id
        where s.business_id = $1 and (s.posted_cents <> coalesce(v.booked, 0) or s.late_movements <> coalesce(m.late, 0)
          or (s.state = 'closed' and (
            s.expected_cents is distinct from s.float_cents + coalesce(m.moved, 0)
            or s.posted_cents is distinct from case when s.variance in ('none', 'booked') then s.counted_cents - s.expected_cents
              else 0 end)))""",
        uow.tenant,
    )


@invariant(7)
async def shift_variance_booked(uow: UnitOfWork) -> Rows:
    """What a shift books as over or short is booked once, whole, and nothing else is booked as that."""
    return await uow.fetch(
        """-- operations.shift_variance_booked
        select coalesce(v.id, p.cause) from (select id, amount_cents from shift_variances where business_id = $1) v
        full join (
          select q.cause, case when a.id = q.to_account then q.amount else -q.amount end as amount
          from postings q join accounts a on a.business_id = q.business_id and a.code = 'cash'
          where q.business_id = $1 and q.kind = 'shift.variance') p on p.cause = v.id and p.amount = v.amount_cents
        where v.id is null or p.cause is null""",
        uow.tenant,
    )


SHIFTS: Final = (drawer_is_booked, shift_adds_up, shift_variance_booked)
