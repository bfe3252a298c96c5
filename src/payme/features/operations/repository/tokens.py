"""2. Tokens. That the wallet is the sum of its postings is a line of the books."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(2)
async def tokens_reserved(uow: UnitOfWork) -> Rows:
    """Reserved tokens are the open reservations."""
    return await uow.fetch(
        """-- operations.tokens_reserved
        select w.business_id from token_wallets w where w.business_id = $1 and w.reserved <>
          (select coalesce(sum(r.quantity), 0) from token_reservations r where r.business_id = $1 and r.state = 'held')""",
        uow.tenant,
    )


@invariant(2)
async def tokens_bound(uow: UnitOfWork) -> Rows:
    """The wallet stays above its bound."""
    return await uow.fetch(
        """-- operations.tokens_bound
        select business_id from token_wallets where business_id = $1 and balance - reserved < -overdraft_limit""",
        uow.tenant,
    )


@invariant(2)
async def reservation_ends_once(uow: UnitOfWork) -> Rows:
    """A reservation ends once: by a charge that is booked, or by a release."""
    return await uow.fetch(
        """-- operations.reservation_ends_once
        select r.cause from token_reservations r
        left join postings p on p.business_id = r.business_id and p.cause = r.cause and p.kind = 'token.' || r.operation
          and p.unit = 'TOKEN'
        where r.business_id = $1
        group by r.cause, r.operation
        having count(distinct r.id) filter (where r.state = 'charged') > 1
          or count(distinct r.id) filter (where r.state = 'held') > 1
          or bool_or(r.state = 'held' and p.cause is not null)
          or bool_or(r.state = 'charged' and p.amount is distinct from r.quantity)
          or bool_or((r.state = 'held') <> (r.ended_at is null))""",
        uow.tenant,
    )


@invariant(2)
async def tokens_charged_once(uow: UnitOfWork) -> Rows:
    """Each completed sale was charged one token, and nothing else was."""
    return await uow.fetch(
        """-- operations.tokens_charged_once
        select coalesce(s.id, p.cause) from (
          select id from sales where business_id = $1 and completed_at is not null) s
        full join (
          select cause, sum(amount) as tokens from postings
          where business_id = $1 and kind = 'token.sale' and unit = 'TOKEN' group by cause) p on p.cause = s.id
        where s.id is null or p.cause is null or p.tokens <> 1""",
        uow.tenant,
    )


@invariant(2)
async def purchase_credited_once(uow: UnitOfWork) -> Rows:
    """Each paid purchase of tokens was credited and booked once, and nothing else was."""
    return await uow.fetch(
        """-- operations.purchase_credited_once
        select coalesce(t.id, p.cause) from (
          select t.id, t.credited_quantity, least(y.amount_cents, y.paid_cents) as paid_cents from token_purchases t
          join payments y on y.business_id = t.business_id and y.id = t.payment_id
          where t.business_id = $1 and t.state = 'credited') t
        full join (
          select cause, sum(amount) filter (where kind = 'token.purchase') as tokens,
            sum(amount) filter (where kind = 'token.purchase_paid') as cents
          from postings where business_id = $1 and kind in ('token.purchase', 'token.purchase_paid') group by cause) p
        on p.cause = t.id
        where t.id is null or coalesce(p.tokens, 0) <> t.credited_quantity or p.cents is distinct from t.paid_cents""",
        uow.tenant,
    )


@invariant(2)
async def purchase_is_paid(uow: UnitOfWork) -> Rows:
    """Tokens are credited for a payment of their own that succeeded, and never more than it pays for."""
    return await uow.fetch(
        """-- operations.purchase_is_paid
        select t.id from token_purchases t
        left join payments p on p.business_id = t.business_id and p.id = t.payment_id
          and p.purpose = 'token_purchase' and p.purpose_id = t.id
        where t.business_id = $1 and t.state = 'credited'
          and (p.status is distinct from 'succeeded'
            or t.credited_quantity::numeric * t.price_cents > least(p.amount_cents, p.paid_cents)::numeric * t.quantity)
        union all
        select min(id::text)::uuid from token_purchases where business_id = $1 group by payment_id having count(*) > 1""",
        uow.tenant,
    )


@invariant(2)
async def excess_bought_tokens(uow: UnitOfWork) -> Rows:
    """What was credited beyond purchases is what M-Pesa paid above them or again, each amount whole and once."""
    return await uow.fetch(
        """-- operations.excess_bought_tokens
        select q.cause from (
          select cause, coalesce(sum(amount) filter (where kind = 'token.excess_paid'), 0) as cents from postings
          where business_id = $1 and kind in ('token.excess', 'token.excess_paid') group by cause) q
        left join (
          select u.id, u.amount_cents from unclaimed_money u
          join payments p on p.business_id = u.business_id and p.id = u.payment_id
          where u.business_id = $1 and p.payee = 'platform' and u.state = 'claimed' and u.reason <> 'amount_differs') u on u.id = q.cause
        where u.id is null or q.cents <> u.amount_cents""",
        uow.tenant,
    )


TOKENS: Final = (
    tokens_reserved,
    tokens_bound,
    reservation_ends_once,
    tokens_charged_once,
    purchase_credited_once,
    purchase_is_paid,
    excess_bought_tokens,
)
