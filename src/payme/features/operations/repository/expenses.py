"""2 and 7. Expenses: each is booked as far as it has come, and cost one token."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(7)
async def expense_booked(uow: UnitOfWork) -> Rows:
    """Each expense is booked once, paid once if it is, and taken back once if it is cancelled; nothing else is booked as one."""
    return await uow.fetch(
        """-- operations.expense_booked
        select coalesce(e.id, p.cause) from (
          select id, amount_cents, case when is_from_drawer then 'expense.spent' else 'expense.recorded' end as kind
          from expenses where business_id = $1
          union all
          select id, amount_cents, 'expense.paid' from expenses
          where business_id = $1 and state = 'paid' and not is_from_drawer
          union all
          select id, amount_cents, case when is_from_drawer then 'expense.returned' else 'expense.cancelled' end from expenses
          where business_id = $1 and state = 'cancelled') e
        full join (
          select cause, kind, amount from postings where business_id = $1 and kind like 'expense.%') p
        on p.cause = e.id and p.kind = e.kind
        where p.amount is distinct from e.amount_cents""",
        uow.tenant,
    )


@invariant(7)
async def expenses_payable_account(uow: UnitOfWork) -> Rows:
    """What is owed for expenses is those that are neither paid nor cancelled."""
    return await uow.fetch(
        """-- operations.expenses_payable_account
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'expenses_payable' and -b.balance <>
          (select coalesce(sum(amount_cents), 0) from expenses
           where business_id = $1 and not is_from_drawer and state in ('recorded', 'verified', 'approved'))""",
        uow.tenant,
    )


@invariant(2)
async def expense_charged_once(uow: UnitOfWork) -> Rows:
    """Each expense was charged one token, and nothing else was charged as one."""
    return await uow.fetch(
        """-- operations.expense_charged_once
        select coalesce(e.id, p.cause) from (select id from expenses where business_id = $1) e
        full join (
          select cause, sum(amount) as tokens from postings
          where business_id = $1 and kind = 'token.expense' and unit = 'TOKEN' group by cause) p on p.cause = e.id
        where e.id is null or p.tokens is distinct from 1""",
        uow.tenant,
    )


EXPENSES: Final = (expense_booked, expenses_payable_account, expense_charged_once)
