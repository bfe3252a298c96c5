"""What must hold when a fault is over: nothing waits that nobody will come for.

What waits is a payment without its end or with an unconfirmed claim, money that its sale has not taken, a stored callback, a
sale that holds goods, a purchase. Who comes for it is a job in the queue. A payment about which M-Pesa was asked to the end, or
cannot be asked, is a person's: the test names it, and `list_unsettled` must show it with a reason that says so. So is a payout
about which M-Pesa was asked to the end; it stands in the list of payouts as unknown.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from payme.features.payments import list_unsettled
from payme.runtime.database import Database, UnitOfWork

_JOBS = """
with jobs as materialized (
  select entrypoint, convert_from(payload, 'UTF8')::jsonb as facts from pgqueuer
  where status in ('queued', 'picked') and convert_from(payload, 'UTF8')::jsonb ->> 'business_id' = $1::uuid::text)
"""
_ALONE = (
    _JOBS
    + """
select 'unsent payment' as what, p.id from payments p
where p.business_id = $1 and p.status = 'created'
  and not exists (select from jobs where entrypoint = 'payments.send_stk_push' and facts ->> 'payment_id' = p.id::text)
union all
select 'money not taken', p.id from payments p
where p.business_id = $1 and p.status = 'succeeded' and p.settlement is null and not exists (
  select from jobs where entrypoint in ('sales.receive_payment', 'tokens.credit_purchase') and facts ->> 'payment_id' = p.id::text)
union all
select 'callback not understood', i.id from callback_inbox i
where i.business_id = $1 and i.state = 'received'
  and not exists (select from jobs where entrypoint = 'payments.handle_callback' and facts ->> 'inbox_id' = i.id::text)
union all
select 'sale that holds goods for nobody', s.id from sales s
where s.business_id = $1 and s.status = 'awaiting_payment' and s.paid_cents = 0 and not exists (
  select from payments p where p.business_id = $1 and p.purpose_id = s.id
    and (p.status in ('created', 'sending', 'pending', 'unknown') or (p.status = 'succeeded' and p.settlement is null)))
  and not exists (select from jobs where entrypoint = 'sales.hear_of_failure' and facts ->> 'purpose_id' = s.id::text)
union all
select 'unpaid sale that nobody closes', s.id from sales s
where s.business_id = $1 and s.status in ('payment_failed', 'expired')
  and not exists (select from jobs where entrypoint = 'sales.cancel_stale_sale' and facts ->> 'sale_id' = s.id::text)
union all
select 'payout that is agreed to and not sent', o.id from payouts o
where o.business_id = $1 and o.state = 'approved'
  and not exists (select from jobs where entrypoint = 'payments.send_payout' and facts ->> 'payout_id' = o.id::text)
union all
select 'money that goes back by nothing', u.id from unclaimed_money u
where u.business_id = $1 and u.state = 'returning' and not exists (
  select from payouts o where o.business_id = $1 and o.purpose = 'unclaimed' and o.purpose_id = u.id
    and o.state in ('awaiting_approval', 'approved', 'sending', 'pending', 'unknown'))
union all
select 'purchase without its prompt', t.id from token_purchases t
where t.business_id = $1 and t.state = 'awaiting_payment' and not exists (
  select from payments p where p.business_id = $1 and p.id = t.payment_id and p.status in ('created', 'sending', 'pending', 'unknown'))
  and not exists (select from jobs where facts ->> 'purpose_id' = t.id::text)
union all
select 'job that gave up: ' || name || ' ' || error_class, gen_random_uuid() from job_dead_letters
where resolution is null and convert_from(payload, 'UTF8')::jsonb ->> 'business_id' = $1::uuid::text
"""
)
_UNASKED = (
    _JOBS
    + """
select p.id from payments p
where p.business_id = $1 and (p.status in ('sending', 'pending', 'unknown') or p.claimed_cents is not null) and not exists (
  select from jobs where entrypoint in ('payments.check_prompt', 'payments.send_stk_push') and facts ->> 'payment_id' = p.id::text)
"""
)
_UNASKED_PAYOUTS = (
    _JOBS
    + """
select o.id from payouts o
where o.business_id = $1 and o.state in ('sending', 'pending', 'unknown') and not exists (
  select from jobs where entrypoint in ('payments.ask_about_payout', 'payments.send_payout') and facts ->> 'payout_id' = o.id::text)
"""
)
_BY_ITSELF = (
    "M-Pesa is asked on the schedule.",
    "The job that sends the prompt has not finished: look whether a worker runs.",
)


async def left_waiting(database: Database, business_id: UUID, *, for_a_person: Collection[UUID] = ()) -> list[str]:
    """Return what waits and will not be resolved by itself; `for_a_person` are the payments and payouts that a person must decide.

    The database is in the worker's role, with the tools of payments.
    """

    async def look(uow: UnitOfWork) -> list[str]:
        alone = [f"{row['what']}: {row['id']}" for row in await uow.fetch(_ALONE, business_id)]
        unasked = {row["id"] for row in await uow.fetch(_UNASKED, business_id)}
        shown = {row.payment_id: row.reason for row in await list_unsettled(uow, older_than=timedelta())}
        orders, wanted = {row["id"] for row in await uow.fetch(_UNASKED_PAYOUTS, business_id)}, set(for_a_person)
        alone += [f"nobody asks about it: {each}" for each in (unasked | orders) - wanted]
        alone += [f"it is no person's: {each}" for each in wanted - unasked - orders]
        alone += [f"no person is told: {each}: {shown.get(each)}" for each in unasked if _is_hidden(shown.get(each))]
        return alone

    return await database.run(look, business_id=business_id, read_only=True)


async def assert_nothing_left_waiting(
    database: Database, business_id: UUID, *, for_a_person: Collection[UUID] = ()
) -> None:
    """Fail with everything that waits and that nobody will come for."""
    found = await left_waiting(database, business_id, for_a_person=for_a_person)
    assert found == [], found


def _is_hidden(reason: str | None) -> bool:
    return reason is None or reason in _BY_ITSELF
