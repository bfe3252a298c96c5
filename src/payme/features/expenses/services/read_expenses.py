"""Read expenses; tell of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payme.features.expenses import repository
from payme.features.expenses.errors import ExpenseNotFound
from payme.features.expenses.events import ExpenseChanged
from payme.features.expenses.repository import Wanted
from payme.features.expenses.schemas import ExpenseView
from payme.runtime.database import UnitOfWork

COLLECTION: Final = "expenses"


async def get_expense(uow: UnitOfWork, expense_id: UUID) -> ExpenseView:
    """Return an expense as it stands. Raises: ExpenseNotFound."""
    expense = await repository.find_expense(uow, expense_id)
    if expense is None:
        raise ExpenseNotFound(expense_id=expense_id)
    return expense


async def lock_expense(uow: UnitOfWork, expense_id: UUID) -> ExpenseView:
    """Lock and return an expense. Raises: ExpenseNotFound."""
    expense = await repository.lock_expense(uow, expense_id)
    if expense is None:
        raise ExpenseNotFound(expense_id=expense_id)
    return expense


async def list_expenses(uow: UnitOfWork, after: list[Any] | None, limit: int, *, wanted: Wanted) -> list[ExpenseView]:
    """Return expenses, the newest first; `after` is the position that a cursor holds."""
    before = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
    return await repository.list_expenses(uow, wanted, before=before, limit=limit)


async def list_expenses_of(uow: UnitOfWork, expense_ids: Sequence[UUID]) -> list[ExpenseView]:
    """Return those expenses that there are of some ids, in no order."""
    return await repository.list_expenses_of(uow, expense_ids)


def tell(uow: UnitOfWork, expense: ExpenseView) -> None:
    """Tell synced devices and live screens where an expense stands now."""
    uow.touch(COLLECTION, expense.id)
    uow.publish(ExpenseChanged(subject_id=expense.id, state=expense.state, amount_cents=expense.amount_cents))
