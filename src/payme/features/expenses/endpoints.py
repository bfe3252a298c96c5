"""HTTP of expenses."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.expenses.enums import ExpenseCategory, ExpenseState
from payme.features.expenses.errors import ExpenseAboveLimit, ExpenseExists, ExpenseNotFound, OwnExpense, WrongState
from payme.features.expenses.repository import Wanted
from payme.features.expenses.schemas import CancelExpense, ExpenseView, PayExpense, RecordExpense
from payme.features.expenses.services.decide import approve_expense, cancel_expense, pay_expense, verify_expense
from payme.features.expenses.services.read_expenses import get_expense, list_expenses
from payme.features.expenses.services.record_expense import record_expense
from payme.features.shifts import ShiftClosed, ShiftNotFound, ShiftNotYours
from payme.features.tokens import TokensExhausted
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}/expenses", tag="expenses")
_SHIFT_ERRORS = (ShiftNotFound, ShiftClosed, ShiftNotYours)
_DECISION_ERRORS = (ExpenseNotFound, WrongState, OwnExpense, ExpenseAboveLimit)


@router.post(
    operation="expenses_record", status=201, response=ExpenseView, may="expenses.record",
    errors=(ExpenseAboveLimit, ExpenseExists, TokensExhausted, *_SHIFT_ERRORS),
)  # fmt: skip
async def record(call: Call, command: RecordExpense) -> Response:
    """Record money that the shop spends."""
    return await call.idempotent(command, lambda uow: record_expense(uow, command))


@router.get(operation="expenses_list", response=Page[ExpenseView], may="expenses.read")
async def list_page(
    call: Call,
    query: Paging,
    *,
    state: Annotated[ExpenseState | None, Query()] = None,
    category: Annotated[ExpenseCategory | None, Query()] = None,
    shift_id: Annotated[UUID | None, Query()] = None,
) -> Response:
    """List expenses, newest first."""
    wanted = Wanted(state, category, shift_id)

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[ExpenseView]:
        return await list_expenses(uow, after, limit, wanted=wanted)

    return await call.read_page(query, work, key=lambda row: [row.recorded_at.isoformat(), str(row.id)])


@router.get(
    "/{expense_id}", operation="expenses_get", response=ExpenseView, may="expenses.read", errors=(ExpenseNotFound,)
)
async def read(call: Call, expense_id: UUID) -> Response:
    """Read an expense."""
    return await call.read(lambda uow: get_expense(uow, expense_id))


@router.post(
    "/{expense_id}/verify", operation="expenses_verify", status=200, response=ExpenseView, may="expenses.approve",
    errors=_DECISION_ERRORS,
)  # fmt: skip
async def verify(call: Call, expense_id: UUID) -> Response:
    """Say that an expense of somebody else's is one."""
    return await call.idempotent(None, lambda uow: verify_expense(uow, expense_id), status=200)


@router.post(
    "/{expense_id}/approve", operation="expenses_approve", status=200, response=ExpenseView, may="expenses.approve",
    errors=_DECISION_ERRORS,
)  # fmt: skip
async def approve(call: Call, expense_id: UUID) -> Response:
    """Agree to an expense of somebody else's, up to your limit."""
    return await call.idempotent(None, lambda uow: approve_expense(uow, expense_id), status=200)


@router.post(
    "/{expense_id}/pay", operation="expenses_pay", status=200, response=ExpenseView, may="expenses.approve",
    errors=(ExpenseNotFound, WrongState, *_SHIFT_ERRORS),
)  # fmt: skip
async def pay(call: Call, expense_id: UUID, command: PayExpense) -> Response:
    """Say that an approved expense was paid."""
    return await call.idempotent(command, lambda uow: pay_expense(uow, expense_id, command), status=200)


@router.post(
    "/{expense_id}/cancel", operation="expenses_cancel", status=200, response=ExpenseView, may="expenses.approve",
    errors=(ExpenseNotFound, WrongState),
)  # fmt: skip
async def cancel(call: Call, expense_id: UUID, command: CancelExpense) -> Response:
    """Say that an expense is none."""
    return await call.idempotent(command, lambda uow: cancel_expense(uow, expense_id, command), status=200)


feature = Feature("expenses", "What the shop spends that is not stock.", (router,))
