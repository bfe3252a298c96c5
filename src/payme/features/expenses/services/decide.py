"""Take an expense further: somebody has seen it, somebody agrees, it is paid; or it is none.

The expense is locked first, so that of two people who decide at once one does. Money by M-Pesa and out of the owner's pocket
is the owner's own until a statement shows it, so it is booked as theirs.
"""

from typing import Final
from uuid import UUID

from payme.features import audit, identity, ledger, shifts
from payme.features.expenses import repository
from payme.features.expenses.enums import ExpenseMethod, ExpenseState
from payme.features.expenses.rules import check_decider, check_step
from payme.features.expenses.schemas import CancelExpense, ExpenseView, PayExpense
from payme.features.expenses.services.read_expenses import get_expense, lock_expense, tell
from payme.features.expenses.services.record_expense import APPROVES_ANY, limits_of
from payme.features.ledger import AccountCode, Posting
from payme.features.shifts import Cash
from payme.runtime.database import UnitOfWork

_PAID_FROM: Final = {
    ExpenseMethod.CASH: AccountCode.CASH,
    ExpenseMethod.MPESA: AccountCode.OWNER_EQUITY,
    ExpenseMethod.BANK: AccountCode.BANK,
    ExpenseMethod.CHEQUE: AccountCode.BANK,
}


async def verify_expense(uow: UnitOfWork, expense_id: UUID) -> ExpenseView:
    """Say that an expense is one. Raises: ExpenseNotFound, WrongState, OwnExpense, ExpenseAboveLimit."""
    expense = await _lock(uow, expense_id, wanted=ExpenseState.VERIFIED)
    person = await _decider(uow, expense)
    await repository.verify(uow, expense_id, person=person)
    return await _told(uow, expense_id, "expense.verified")


async def approve_expense(uow: UnitOfWork, expense_id: UUID) -> ExpenseView:
    """Agree to an expense; one that came out of a drawer is paid with that.

    Raises: ExpenseNotFound, WrongState, OwnExpense, ExpenseAboveLimit.
    """
    expense = await _lock(uow, expense_id, wanted=ExpenseState.APPROVED)
    person = await _decider(uow, expense)
    await repository.approve(uow, expense_id, person=person)
    if expense.is_from_drawer:
        await repository.pay(uow, expense_id, person=expense.recorded_by, reference="")
    return await _told(uow, expense_id, "expense.approved")


async def pay_expense(uow: UnitOfWork, expense_id: UUID, command: PayExpense) -> ExpenseView:
    """Say that an approved expense was paid. Raises: ExpenseNotFound, WrongState and those of `shifts.take_drawer`."""
    await shifts.check_shift(uow, command.shift_id)
    expense = await _lock(uow, expense_id, wanted=ExpenseState.PAID)
    drawer = await shifts.take_drawer(uow, command.shift_id) if command.shift_id else None
    source = _PAID_FROM[expense.method]
    ledger.post(uow, [Posting("expense.paid", source, AccountCode.EXPENSES_PAYABLE, expense.amount_cents, expense_id)])
    if drawer is not None and source == AccountCode.CASH:
        await shifts.move_cash(uow, drawer, [Cash("expense.paid", expense_id, -expense.amount_cents)])
    person = await identity.find_person_behind(uow)
    await repository.pay(uow, expense_id, person=person, reference=command.reference)
    return await _told(uow, expense_id, "expense.paid", reference=command.reference)


async def cancel_expense(uow: UnitOfWork, expense_id: UUID, command: CancelExpense) -> ExpenseView:
    """Say that an expense is none; cash goes back into the drawer that stands where it came from. The token stays spent.

    Raises: ExpenseNotFound, WrongState.
    """
    expense = await _lock(uow, expense_id, wanted=ExpenseState.CANCELLED)
    spent, amount = AccountCode.OPERATING_EXPENSES, expense.amount_cents
    if expense.is_from_drawer:
        assert expense.shift_id is not None, "a drawer is a shift's"
        drawer = await shifts.find_drawer_after(uow, expense.shift_id)
        ledger.post(uow, [Posting("expense.returned", spent, AccountCode.CASH, amount, expense_id)])
        await shifts.move_cash(uow, drawer, [Cash("expense.returned", expense_id, amount)])
    else:
        ledger.post(uow, [Posting("expense.cancelled", spent, AccountCode.EXPENSES_PAYABLE, amount, expense_id)])
    person = await identity.find_person_behind(uow)
    await repository.cancel(uow, expense_id, person=person, reason=command.reason)
    return await _told(uow, expense_id, "expense.cancelled", reason=command.reason)


async def _lock(uow: UnitOfWork, expense_id: UUID, *, wanted: ExpenseState) -> ExpenseView:
    expense = await lock_expense(uow, expense_id)
    check_step(expense.state, wanted)
    return expense


async def _decider(uow: UnitOfWork, expense: ExpenseView) -> UUID:
    person, limits = await identity.find_person_behind(uow), await limits_of(uow)
    check_decider(
        person, recorded_by=expense.recorded_by, amount_cents=expense.amount_cents, limit_cents=limits.approval_cents,
        may_any=uow.actor.may(APPROVES_ANY),
    )  # fmt: skip
    return person


async def _told(uow: UnitOfWork, expense_id: UUID, action: str, **facts: object) -> ExpenseView:
    expense = await get_expense(uow, expense_id)
    audit.record(uow, action, expense_id, amount_cents=expense.amount_cents, **facts)
    tell(uow, expense)
    return expense
