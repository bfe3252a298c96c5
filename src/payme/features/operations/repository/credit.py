"""4 and 7. Credit: a debt is the sum of its reasons, each of which is a sale, a refund or money; all debts are the receivables."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(7)
async def debt_is_its_entries(uow: UnitOfWork) -> Rows:
    """What is owed on an account is the sum of its entries, and nothing is owed on a closed one."""
    return await uow.fetch(
        """-- operations.debt_is_its_entries
        select a.id from credit_accounts a
        left join (select account_id, sum(amount_cents) as owed from credit_entries where business_id = $1 group by 1) e
        on e.account_id = a.id
        where a.business_id = $1 and (a.balance_cents <> coalesce(e.owed, 0) or (a.state = 'closed' and a.balance_cents <> 0))""",
        uow.tenant,
    )


@invariant(7)
async def receivables_account(uow: UnitOfWork) -> Rows:
    """The account of receivables is what all customers owe together."""
    return await uow.fetch(
        """-- operations.receivables_account
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'receivables' and b.balance <>
          (select coalesce(sum(balance_cents), 0) from credit_accounts where business_id = $1)""",
        uow.tenant,
    )


@invariant(4)
async def debt_has_its_reason(uow: UnitOfWork) -> Rows:
    """Each payment on credit made one debt and took it back where its sale came to nothing; each refund and repayment lowered what it says, and what was taken back of them is owed again."""
    return await uow.fetch(
        """-- operations.debt_has_its_reason
        select coalesce(r.cause, e.cause) from (
          select id as cause, 'charge' as kind, amount_cents as amount from payments where business_id = $1 and method = 'credit'
          union all
          select id, 'returned', -amount_cents from payments
          where business_id = $1 and method = 'credit' and settlement = 'returned'
          union all
          select id, 'refund', -debt_cents from refunds where business_id = $1 and state = 'completed' and debt_cents > 0
          union all
          select cause, 'repayment', -amount from postings where business_id = $1 and kind = 'credit.repaid'
          union all
          select cause, 'taken_back', amount from postings where business_id = $1 and kind = 'credit.taken_back') r
        full join (select cause, kind, amount_cents from credit_entries where business_id = $1) e
        on e.cause = r.cause and e.kind = r.kind
        where e.amount_cents is distinct from r.amount""",
        uow.tenant,
    )


@invariant(7)
async def mpesa_repays_once(uow: UnitOfWork) -> Rows:
    """Each M-Pesa payment that was applied to a debt lowered it once, by what came; each that was taken out again is owed again."""
    return await uow.fetch(
        """-- operations.mpesa_repays_once
        select coalesce(p.id, e.cause) from (
          select id, purpose_id, settlement, least(amount_cents, paid_cents) - excess_cents as cents from payments
          where business_id = $1 and purpose = 'credit_account' and status = 'succeeded' and settlement is not null) p
        full join (
          select cause, min(account_id::text)::uuid as account_id,
            coalesce(-sum(amount_cents) filter (where kind = 'repayment'), 0) as repaid,
            coalesce(sum(amount_cents) filter (where kind = 'taken_back'), 0) as taken_back
          from credit_entries where business_id = $1 and method = 'mpesa' group by 1) e on e.cause = p.id
        where p.id is null
          or (p.settlement = 'applied' and (e.account_id is distinct from p.purpose_id or e.repaid <> p.cents or e.taken_back <> 0))
          or (p.settlement = 'returned')
          or (p.settlement = 'unclaimed' and e.cause is not null
            and (e.account_id <> p.purpose_id or e.repaid <> p.cents or e.taken_back <> p.cents))""",
        uow.tenant,
    )


@invariant(2)
async def repayment_charged_once(uow: UnitOfWork) -> Rows:
    """Each repayment was charged one token, and nothing else was charged as one."""
    return await uow.fetch(
        """-- operations.repayment_charged_once
        select coalesce(e.cause, p.cause) from (
          select cause from credit_entries where business_id = $1 and kind = 'repayment') e
        full join (
          select cause, sum(amount) as tokens from postings
          where business_id = $1 and kind = 'token.credit_repayment' and unit = 'TOKEN' group by cause) p on p.cause = e.cause
        where e.cause is null or p.tokens is distinct from 1""",
        uow.tenant,
    )


CREDIT: Final = (
    debt_is_its_entries,
    receivables_account,
    debt_has_its_reason,
    mpesa_repays_once,
    repayment_charged_once,
)
