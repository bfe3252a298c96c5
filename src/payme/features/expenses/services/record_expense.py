"""Record an expense: booked, for a token; out of a shift's drawer, or owed until it is paid."""

from typing import Final
from uuid import UUID

from payme.features import audit, businesses, identity, ledger, shifts, tokens
from payme.features.expenses import repository
from payme.features.expenses.enums import ExpenseMethod, ExpenseState
from payme.features.expenses.errors import ExpenseAboveLimit
from payme.features.expenses.rules import Limits, is_above_drawer
from payme.features.expenses.schemas import ExpenseView, RecordExpense
from payme.features.expenses.services.read_expenses import tell
from payme.features.ledger import AccountCode, Posting
from payme.features.shifts import Cash
from payme.kit.ids import new_id
from payme.kit.time import business_day
from payme.runtime.database import UnitOfWork

OPERATION: Final = "expense"
APPROVES: Final = "expenses.approve"
APPROVES_ANY: Final = "expenses.approve_any"


async def record_expense(uow: UnitOfWork, command: RecordExpense, *, is_fact: bool = False) -> ExpenseView:
    """Record an expense. A fact is recorded whatever its amount and its shift are, and what is odd is named in `review`.

    Raises: ExpenseAboveLimit for cash out of a drawer, those of `shifts.take_drawer`, ExpenseExists; at the flush TokensExhausted.
    """
    drawer = await shifts.take_drawer(uow, command.shift_id, is_fact=is_fact) if command.shift_id else None
    from_drawer = drawer is not None and command.method == ExpenseMethod.CASH
    review = list(drawer.review) if drawer else []
    if from_drawer and await _is_above(uow, command.amount_cents):
        if not is_fact:
            raise ExpenseAboveLimit(amount_cents=command.amount_cents)
        review.append(ExpenseAboveLimit.code)
    expense = ExpenseView(
        id=command.id or new_id(), category=command.category, amount_cents=command.amount_cents, method=command.method,
        payee=command.payee, note=command.note, spent_on=command.spent_on or business_day(uow.now), shift_id=command.shift_id,
        is_from_drawer=from_drawer, state=ExpenseState.RECORDED, recorded_by=await identity.find_person_behind(uow),
        recorded_at=uow.now, review=review,
    )  # fmt: skip
    await repository.insert_expense(uow, expense)
    ledger.post(uow, [_posting(expense.id, expense.amount_cents, from_drawer=from_drawer)])
    if drawer is not None and from_drawer:
        await shifts.move_cash(uow, drawer, [Cash("expense.spent", expense.id, -expense.amount_cents)])
    tokens.charge(uow, expense.id, OPERATION, is_fact=is_fact, is_gone=is_fact)
    audit.record(
        uow, "expense.recorded", expense.id, amount_cents=expense.amount_cents, category=expense.category,
        method=expense.method, shift_id=expense.shift_id,
    )  # fmt: skip
    tell(uow, expense)
    return expense


async def limits_of(uow: UnitOfWork) -> Limits:
    """Return what the business allows: out of a drawer as much as a refund, to be agreed to as much as a payout."""
    business = await businesses.get_business(uow)
    return Limits(drawer_cents=business.refund_limit_cents, approval_cents=business.payout_limit_cents)


async def _is_above(uow: UnitOfWork, amount_cents: int) -> bool:
    return is_above_drawer(
        amount_cents,
        await limits_of(uow),
        may_approve=uow.actor.may(APPROVES),
        may_any=uow.actor.may(APPROVES_ANY),
    )


def _posting(expense_id: UUID, amount_cents: int, *, from_drawer: bool) -> Posting:
    spent = AccountCode.OPERATING_EXPENSES
    if from_drawer:
        return Posting("expense.spent", AccountCode.CASH, spent, amount_cents, expense_id)
    return Posting("expense.recorded", AccountCode.EXPENSES_PAYABLE, spent, amount_cents, expense_id)
