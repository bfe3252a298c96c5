"""SQL of expenses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payme.features.expenses.enums import ExpenseCategory, ExpenseState
from payme.features.expenses.schemas import ExpenseView
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

_COLUMNS: Final = """
select id, category, amount_cents, method, payee, note, spent_on, shift_id, is_from_drawer, state, recorded_by, recorded_at,
    verified_by, approved_by, paid_by, paid_at, paid_reference, cancelled_by, cancel_reason, review, rev
  from expenses where business_id = $1 and """
_FIND: Final = "-- expenses.find_expense" + _COLUMNS + "id = $2"
_LOCK: Final = "-- expenses.lock_expense" + _COLUMNS + "id = $2 for update"
_LIST_OF: Final = "-- expenses.list_expenses_of" + _COLUMNS + "id = any ($2::uuid[])"
_LIST: Final = (
    "-- expenses.list_expenses"
    + _COLUMNS
    + """($2::timestamptz is null or (recorded_at, id) < ($2, $3::uuid)) and ($4::text is null or state = $4)
      and ($5::text is null or category = $5) and ($6::uuid is null or shift_id = $6)
    order by recorded_at desc, id desc limit $7"""
)


@value
class Wanted:
    """Which expenses are wanted."""

    state: ExpenseState | None = None
    category: ExpenseCategory | None = None
    shift_id: UUID | None = None


async def insert_expense(uow: UnitOfWork, expense: ExpenseView) -> None:
    """Add an expense. Raises: ExpenseExists."""
    await uow.execute(
        """-- expenses.insert_expense
        insert into expenses (business_id, id, category, amount_cents, method, payee, note, spent_on, shift_id, is_from_drawer,
          recorded_by, recorded_at, review)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        uow.tenant, expense.id, expense.category, expense.amount_cents, expense.method, expense.payee, expense.note,
        expense.spent_on, expense.shift_id, expense.is_from_drawer, expense.recorded_by, expense.recorded_at, expense.review,
    )  # fmt: skip


async def find_expense(uow: UnitOfWork, expense_id: UUID) -> ExpenseView | None:
    """Return an expense, or None."""
    return _view(await uow.fetchrow(_FIND, uow.tenant, expense_id))


async def lock_expense(uow: UnitOfWork, expense_id: UUID) -> ExpenseView | None:
    """Lock and return an expense, or None; it is locked before a drawer."""
    return _view(await uow.fetchrow(_LOCK, uow.tenant, expense_id))


async def verify(uow: UnitOfWork, expense_id: UUID, *, person: UUID) -> None:
    """Record who has seen that a locked expense is one."""
    await uow.execute(
        """-- expenses.verify
        update expenses set state = 'verified', verified_by = $3, verified_at = $4, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, expense_id, person, uow.now,
    )  # fmt: skip


async def approve(uow: UnitOfWork, expense_id: UUID, *, person: UUID) -> None:
    """Record who agreed to a locked expense."""
    await uow.execute(
        """-- expenses.approve
        update expenses set state = 'approved', approved_by = $3, approved_at = $4, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, expense_id, person, uow.now,
    )  # fmt: skip


async def pay(uow: UnitOfWork, expense_id: UUID, *, person: UUID, reference: str) -> None:
    """Record who paid a locked expense."""
    await uow.execute(
        """-- expenses.pay
        update expenses set state = 'paid', paid_by = $3, paid_at = $4, paid_reference = $5, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, expense_id, person, uow.now, reference,
    )  # fmt: skip


async def cancel(uow: UnitOfWork, expense_id: UUID, *, person: UUID, reason: str) -> None:
    """Record why a locked expense is none."""
    await uow.execute(
        """-- expenses.cancel
        update expenses set state = 'cancelled', cancelled_by = $3, cancelled_at = $4, cancel_reason = $5, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, expense_id, person, uow.now, reason,
    )  # fmt: skip


async def list_expenses_of(uow: UnitOfWork, expense_ids: Sequence[UUID]) -> list[ExpenseView]:
    """Return those expenses that there are of some ids, in no order."""
    rows = await uow.fetch(_LIST_OF, uow.tenant, list(expense_ids))
    return [ExpenseView.model_validate(dict(row)) for row in rows]


async def list_expenses(
    uow: UnitOfWork, wanted: Wanted, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[ExpenseView]:
    """Return expenses, the newest first, older than a (time, id) pair."""
    rows = await uow.fetch(
        _LIST, uow.tenant, before[0] if before else None, before[1] if before else None, wanted.state, wanted.category,
        wanted.shift_id, limit,
    )  # fmt: skip
    return [ExpenseView.model_validate(dict(row)) for row in rows]


async def list_cash_documents(uow: UnitOfWork, causes: Sequence[UUID]) -> dict[tuple[UUID, str], int]:
    """Return what expenses among the causes took out of drawers and put back, in cents by cause and kind of posting."""
    rows = await uow.fetch(
        """-- expenses.list_cash_documents
        select id, t.kind, t.amount from expenses e
        cross join lateral (values ('expense.spent', -amount_cents, is_from_drawer),
          ('expense.paid', -amount_cents, state = 'paid' and not is_from_drawer),
          ('expense.returned', amount_cents, state = 'cancelled' and is_from_drawer)) t (kind, amount, happened)
        where business_id = $1 and id = any ($2::uuid[]) and method = 'cash' and t.happened""",
        uow.tenant, list(causes),
    )  # fmt: skip
    return {(row["id"], row["kind"]): row["amount"] for row in rows}


def _view(row: Any) -> ExpenseView | None:
    return None if row is None else ExpenseView.model_validate(dict(row))
