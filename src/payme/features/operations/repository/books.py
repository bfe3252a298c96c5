"""1. Books balance."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(1)
async def posting_is_sound(uow: UnitOfWork) -> Rows:
    """Each posting moves a positive amount between two accounts of one unit."""
    return await uow.fetch(
        """-- operations.posting_is_sound
        select p.cause from postings p
        left join accounts f on f.business_id = p.business_id and f.id = p.from_account
        left join accounts t on t.business_id = p.business_id and t.id = p.to_account
        where p.business_id = $1
          and (p.amount <= 0 or p.from_account = p.to_account or f.unit is distinct from p.unit or t.unit is distinct from p.unit)""",
        uow.tenant,
    )


@invariant(1)
async def posted_once(uow: UnitOfWork) -> Rows:
    """A cause is booked once under each kind."""
    return await uow.fetch(
        """-- operations.posted_once
        select cause from postings where business_id = $1 group by cause, kind having count(*) > 1""",
        uow.tenant,
    )


@invariant(1)
async def reversal_mirrors(uow: UnitOfWork) -> Rows:
    """A reversal moves back exactly what its cause had moved."""
    return await uow.fetch(
        """-- operations.reversal_mirrors
        select r.cause from postings r
        left join postings p on p.business_id = r.business_id and p.cause = r.cause and r.kind = p.kind || '.reversed'
          and p.from_account = r.to_account and p.to_account = r.from_account and p.amount = r.amount and p.unit = r.unit
        where r.business_id = $1 and r.kind like '%.reversed' and p.cause is null""",
        uow.tenant,
    )


@invariant(1)
async def balance_is_sum(uow: UnitOfWork) -> Rows:
    """Each account's balance is what came in less what went out."""
    return await uow.fetch(
        """-- operations.balance_is_sum
        select a.code from accounts a
        left join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        left join (
          select account, sum(amount) as balance from (
            select to_account as account, amount from postings where business_id = $1
            union all
            select from_account, -amount from postings where business_id = $1) moved
          group by account) s on s.account = a.id
        where a.business_id = $1 and b.balance is distinct from coalesce(s.balance, 0)""",
        uow.tenant,
    )


@invariant(1)
async def unit_sums_to_zero(uow: UnitOfWork) -> Rows:
    """The balances of all accounts of a unit sum to zero."""
    return await uow.fetch(
        """-- operations.unit_sums_to_zero
        select a.unit from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 group by a.unit having sum(b.balance) <> 0""",
        uow.tenant,
    )


BOOKS: Final = (posting_is_sound, posted_once, reversal_mirrors, balance_is_sum, unit_sums_to_zero)
