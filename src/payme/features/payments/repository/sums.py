"""SQL that adds up all evidence of money and where it went, by the day of UTC on which a row began; such days never change.

Of what was said of a receipt the surest counts, then the latest; what a query alone credited counts as it was credited. What
stands on a cashier's word alone is no evidence, wherever it lies. The platform's money is left out; it is booked elsewhere.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class ShortcodeSum:
    """All evidence of money to a short code, and where it went, in cents."""

    shortcode: str
    received_cents: int
    applied_cents: int
    unclaimed_cents: int
    returned_cents: int

    @property
    def is_whole(self) -> bool:
        """Whether what was received is what went somewhere."""
        return self.received_cents == self.applied_cents + self.unclaimed_cents + self.returned_cents


@value
class Mark:
    """Until when days are carried, when they were brought up to date, and when they were last added up anew."""

    closed_until: datetime
    summed_at: datetime
    checked_at: datetime


BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any payment."""
END: Final = datetime(3000, 1, 1, tzinfo=UTC)
_EACH: Final = """
with arrived as (
  select (r.recorded_at at time zone 'UTC')::date as day, coalesce(p.shortcode, u.shortcode, r.shortcode) as shortcode, s.amount_cents
  from mpesa_receipts r
  join lateral (
    select e.amount_cents from payment_evidence e
    where e.business_id = r.business_id and e.mpesa_receipt_number = r.mpesa_receipt_number and e.outcome = 'paid'
      and e.mpesa_receipt_number is not null and e.amount_cents is not null
    order by e.source in ('status', 'pull', 'statement') desc, e.received_at desc, e.id desc limit 1) s on true
  left join payments p on p.business_id = r.business_id and p.mpesa_receipt_number = r.mpesa_receipt_number
  left join unclaimed_money u on u.business_id = r.business_id and u.mpesa_receipt_number = r.mpesa_receipt_number
    and u.payment_id is null
  where r.business_id = $1 and coalesce(p.payee, 'business') = 'business' and r.recorded_at >= $2 and r.recorded_at < $3
  union all
  select (created_at at time zone 'UTC')::date, coalesce(shortcode, ''), paid_cents from payments
  where business_id = $1 and method = 'mpesa_stk' and payee = 'business' and status = 'succeeded' and mpesa_receipt_number is null
    and created_at >= $2 and created_at < $3),
applied as (
  select (p.created_at at time zone 'UTC')::date as day, coalesce(nullif(p.shortcode, ''), o.shortcode, '') as shortcode,
    case when p.settlement = 'unclaimed' then 0
    when p.method = 'mpesa_claim' then coalesce(p.confirmed_cents, 0)
    when o.id is not null then least(p.amount_cents, coalesce(o.confirmed_cents, 0)) - p.excess_cents
    else least(p.amount_cents, p.paid_cents) - p.excess_cents end as cents
  from payments p
  left join unclaimed_money u on p.method = 'mpesa_c2b' and u.business_id = p.business_id and u.claimed_as = p.id
    and u.reason = 'sale_not_open'
  left join payments o on o.business_id = u.business_id and o.id = u.payment_id and o.method = 'mpesa_claim'
  where p.business_id = $1 and p.method in ('mpesa_stk', 'mpesa_claim', 'mpesa_c2b') and p.payee = 'business'
    and p.status = 'succeeded' and p.created_at >= $2 and p.created_at < $3),
tray as (
  select (u.received_at at time zone 'UTC')::date as day, coalesce(nullif(u.shortcode, ''), p.shortcode, '') as shortcode, u.state,
    case when p.method = 'mpesa_claim' and u.reason = 'sale_not_open'
      then least(u.amount_cents, coalesce(p.confirmed_cents, 0)) else u.amount_cents end as amount_cents
  from unclaimed_money u
  left join payments p on p.business_id = u.business_id and p.id = u.payment_id
  where u.business_id = $1 and coalesce(p.payee, 'business') = 'business' and u.state in ('unclaimed', 'returning', 'returned')
    and u.received_at >= $2 and u.received_at < $3),
each as (
  select day, shortcode, amount_cents as received, 0 as applied, 0 as unclaimed, 0 as returned from arrived
  union all select day, shortcode, 0, cents, 0, 0 from applied
  union all select day, shortcode, 0, 0, case when state = 'returned' then 0 else amount_cents end,
    case when state = 'returned' then amount_cents else 0 end from tray)"""
_TOTALS: Final = """
  select shortcode, sum(received)::bigint as received_cents, sum(applied)::bigint as applied_cents,
    sum(unclaimed)::bigint as unclaimed_cents, sum(returned)::bigint as returned_cents
  from each where shortcode is not null group by shortcode
  having bool_or(received <> 0 or applied <> 0 or unclaimed <> 0 or returned <> 0) order by shortcode"""
_KEPT: Final = """
  insert into mpesa_days (business_id, day, shortcode, received_cents, applied_cents, unclaimed_cents, returned_cents)
  select $1, day, shortcode, sum(received)::bigint, sum(applied)::bigint, sum(unclaimed)::bigint, sum(returned)::bigint
  from each where shortcode is not null group by day, shortcode
  having bool_or(received <> 0 or applied <> 0 or unclaimed <> 0 or returned <> 0)
  on conflict (business_id, day, shortcode) do update set received_cents = excluded.received_cents,
    applied_cents = excluded.applied_cents, unclaimed_cents = excluded.unclaimed_cents, returned_cents = excluded.returned_cents"""
_BETWEEN: Final = "-- payments.sum_between" + _EACH + _TOTALS
_CARRY: Final = "-- payments.carry_days" + _EACH + _KEPT


async def sum_between(uow: UnitOfWork, since: datetime, until: datetime) -> list[ShortcodeSum]:
    """Return, per short code, the evidence of what began in a stretch of time, and where it stands now."""
    return [ShortcodeSum(**row) for row in await uow.fetch(_BETWEEN, uow.tenant, since, until)]


async def sum_carried(uow: UnitOfWork) -> list[ShortcodeSum]:
    """Return the same of all days that are carried."""
    rows = await uow.fetch(
        """-- payments.sum_carried
        select shortcode, sum(received_cents)::bigint as received_cents, sum(applied_cents)::bigint as applied_cents,
          sum(unclaimed_cents)::bigint as unclaimed_cents, sum(returned_cents)::bigint as returned_cents
        from mpesa_days where business_id = $1 group by shortcode
        having bool_or(received_cents <> 0 or applied_cents <> 0 or unclaimed_cents <> 0 or returned_cents <> 0) order by shortcode""",
        uow.tenant,
    )
    return [ShortcodeSum(**row) for row in rows]


async def carry_anew(uow: UnitOfWork, since: datetime, until: datetime) -> None:
    """Add up the days of a stretch, from midnight to midnight of UTC, and carry them instead of what was carried of them."""
    await uow.execute(
        """-- payments.empty_days
        update mpesa_days set received_cents = 0, applied_cents = 0, unclaimed_cents = 0, returned_cents = 0
        where business_id = $1 and day >= ($2::timestamptz at time zone 'UTC')::date
          and day < ($3::timestamptz at time zone 'UTC')::date""",
        uow.tenant, since, until,
    )  # fmt: skip
    await uow.execute(_CARRY, uow.tenant, since, until)


async def list_moved_days(uow: UnitOfWork, *, since: datetime, before: datetime) -> Sequence[date]:
    """Return the days before an instant of which anything stands elsewhere since another; the latest first.

    Where a claim's proof moves, so does what was left over of it, and what a person made of that.
    """
    rows = await uow.fetch(
        """-- payments.list_moved_days
        with moved as (select id, created_at from payments where business_id = $1 and moved_at is not null and moved_at >= $2),
        rest as (
          select u.received_at, u.claimed_as from unclaimed_money u where u.business_id = $1 and u.moved_at is not null and u.moved_at >= $2
          union all
          select u.received_at, u.claimed_as from unclaimed_money u join moved m on m.id = u.payment_id where u.business_id = $1),
        began as (
          select created_at as at from moved
          union all select received_at from rest
          union all select p.created_at from rest r join payments p on p.business_id = $1 and p.id = r.claimed_as
          union all
          select r.recorded_at from payment_evidence e
          join mpesa_receipts r on r.mpesa_receipt_number = e.mpesa_receipt_number and r.business_id = $1
          where e.business_id = $1 and e.outcome = 'paid' and e.mpesa_receipt_number is not null and e.amount_cents is not null
            and e.received_at >= $2)
        select distinct (at at time zone 'UTC')::date as day from began where at < $3 order by 1 desc""",
        uow.tenant, since, before,
    )  # fmt: skip
    return [row["day"] for row in rows]


async def lock_mark(uow: UnitOfWork) -> Mark:
    """Lock how far is carried, and return it; before the first time that is nowhere."""
    await uow.execute(
        """-- payments.begin_sum_mark
        insert into mpesa_sum_marks (business_id, closed_until, summed_at, checked_at) values ($1, $2, $3, $3)
        on conflict (business_id) do nothing""",
        uow.tenant, BEGINNING, uow.now,
    )  # fmt: skip
    row = await uow.fetchrow(
        """-- payments.lock_sum_mark
        select closed_until, summed_at, checked_at from mpesa_sum_marks where business_id = $1 for update""",
        uow.tenant,
    )
    assert row is not None, "it was begun a moment ago"
    return Mark(**row)


async def store_mark(uow: UnitOfWork, mark: Mark) -> None:
    """Record how far is carried."""
    await uow.execute(
        """-- payments.store_sum_mark
        update mpesa_sum_marks set closed_until = $2, summed_at = $3, checked_at = $4 where business_id = $1""",
        uow.tenant, mark.closed_until, mark.summed_at, mark.checked_at,
    )  # fmt: skip
