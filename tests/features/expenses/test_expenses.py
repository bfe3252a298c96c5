"""Expenses: recorded for a token, agreed to by somebody else, paid once; out of a drawer, or owed until then."""

import asyncio
from typing import Any

import pytest

from payme.features.expenses import (
    CancelExpense,
    ExpenseExists,
    ExpenseNotFound,
    ExpenseView,
    PayExpense,
    RecordExpense,
    approve_expense,
    cancel_expense,
    get_expense,
    list_cash_documents,
    list_expenses_of,
    pay_expense,
    record_expense,
    verify_expense,
)
from payme.features.expenses.enums import ExpenseCategory, ExpenseState
from payme.features.expenses.errors import ExpenseAboveLimit, OwnExpense, WrongState
from payme.features.expenses.repository import Wanted
from payme.features.expenses.services.read_expenses import list_expenses
from payme.features.identity import Role
from payme.features.shifts import CloseShift, OpenShift, ShiftClosed, ShiftView, close_shift, get_shift, open_shift
from payme.features.tokens import TokensExhausted
from payme.kit.ids import new_id
from tests.invariants import assert_invariants
from tests.trade import TradingShop
from tests.unchanged import refused

AMOUNT = 30_000


async def record(shop: TradingShop, *, is_fact: bool = False, **said: Any) -> ExpenseView:
    command = RecordExpense.model_validate({"category": "rent", "amount_cents": AMOUNT, "method": "bank", **said})
    return await shop.run(lambda uow: record_expense(uow, command, is_fact=is_fact))


async def agree(shop: TradingShop, expense: ExpenseView) -> ExpenseView:
    """Have a manager verify and approve."""
    manager = shop.acting(Role.MANAGER)
    await manager.run(lambda uow: verify_expense(uow, expense.id))
    return await manager.run(lambda uow: approve_expense(uow, expense.id))


async def pay(shop: TradingShop, expense: ExpenseView, **said: Any) -> ExpenseView:
    return await shop.run(lambda uow: pay_expense(uow, expense.id, PayExpense.model_validate(said)))


async def cancel(shop: TradingShop, expense: ExpenseView) -> ExpenseView:
    return await shop.run(lambda uow: cancel_expense(uow, expense.id, CancelExpense(reason="Twice")))


async def begin(shop: TradingShop) -> ShiftView:
    return await shop.run(lambda uow: open_shift(uow, OpenShift(float_cents=100_000)))


async def count(shop: TradingShop, shift: ShiftView, counted_cents: int) -> ShiftView:
    return await shop.run(lambda uow: close_shift(uow, shift.id, CloseShift(counted_cents=counted_cents)))


async def sound(shop: TradingShop) -> dict[str, int]:
    await assert_invariants(shop.database, shop.business_id)
    return await shop.balances()


async def test_an_expense_is_owed_until_it_is_paid(shop: TradingShop):
    tokens, _ = await shop.wallet()
    expense = await record(shop, note="November", payee="Mwangi")
    assert (expense.state, expense.is_from_drawer, (await shop.wallet())[0]) == ("recorded", False, tokens - 1)
    books = await sound(shop)
    assert (books["operating_expenses"], books["expenses_payable"]) == (AMOUNT, -AMOUNT)
    approved = await agree(shop, expense)
    assert (approved.state, approved.paid_at, approved.rev) == ("approved", None, 3)
    paid = await pay(shop, expense, reference="CHQ 1")
    assert (paid.state, paid.paid_reference, paid.note, paid.payee) == ("paid", "CHQ 1", "November", "Mwangi")
    books = await sound(shop)
    assert (books["bank"], books.get("expenses_payable", 0)) == (-AMOUNT, 0)
    assert await shop.run(lambda uow: get_expense(uow, expense.id)) == paid


@pytest.mark.parametrize(
    ("method", "account"), [("cash", "cash"), ("mpesa", "owner_equity"), ("bank", "bank"), ("cheque", "bank")]
)
async def test_an_expense_is_paid_out_of_its_account(shop: TradingShop, method: str, account: str):
    expense = await record(shop, method=method)
    before = await shop.balances()
    await agree(shop, expense)
    await pay(shop, expense)
    assert (await sound(shop))[account] - before.get(account, 0) == -AMOUNT


async def test_cash_out_of_a_drawer_is_gone_at_once_and_paid_once_agreed(shop: TradingShop):
    shift = await begin(shop)
    expense = await record(shop, method="cash", shift_id=shift.id)
    assert (expense.is_from_drawer, (await sound(shop))["cash"]) == (True, -AMOUNT)
    approved = await agree(shop, expense)
    assert (approved.state, approved.paid_by) == ("paid", expense.recorded_by)
    await record(shop, method="bank", shift_id=shift.id)
    later = await record(shop, method="cash")
    await agree(shop, later)
    await pay(shop, later, shift_id=shift.id)
    closed = await count(shop, shift, 100_000 - 2 * AMOUNT)
    assert (closed.expected_cents, closed.difference_cents) == (40_000, 0)
    await refused(shop, ShiftClosed, lambda: record(shop, method="cash", shift_id=shift.id))
    assert (await sound(shop))["cash"] == -2 * AMOUNT


async def test_a_cancelled_expense_goes_back_where_it_came_from(shop: TradingShop):
    shift = await begin(shop)
    drawn, owed = await record(shop, method="cash", shift_id=shift.id), await record(shop)
    cancelled = await cancel(shop, owed)
    assert (cancelled.state, cancelled.cancel_reason) == ("cancelled", "Twice")
    await count(shop, shift, 70_000)
    after = await begin(shop)
    await cancel(shop, drawn)
    assert (await count(shop, after, 130_000)).difference_cents == 0
    books = await sound(shop)
    assert [books.get(each, 0) for each in ("cash", "operating_expenses", "expenses_payable")] == [0, 0, 0]
    for again in (cancel, agree):
        with pytest.raises(WrongState):
            await again(shop, drawn)
    documents = await shop.run(lambda uow: list_cash_documents(uow, [drawn.id, owed.id]))
    assert documents == {(drawn.id, "expense.spent"): -AMOUNT, (drawn.id, "expense.returned"): AMOUNT}


async def test_nobody_agrees_to_their_own_except_the_owner(shop: TradingShop):
    manager = shop.acting(Role.MANAGER)
    own = await record(manager)
    await refused(shop, OwnExpense, lambda: manager.run(lambda uow: verify_expense(uow, own.id)))
    await shop.run(lambda uow: verify_expense(uow, own.id))
    await refused(shop, OwnExpense, lambda: manager.run(lambda uow: approve_expense(uow, own.id)))
    mine = await record(shop)
    await shop.run(lambda uow: verify_expense(uow, mine.id))
    assert (await shop.run(lambda uow: approve_expense(uow, mine.id))).state == "approved"


async def test_a_manager_agrees_up_to_the_limit_and_the_owner_beyond(shop: TradingShop):
    await shop.set_limits(payout_limit_cents=AMOUNT)
    await agree(shop, await record(shop))
    large = await record(shop, amount_cents=AMOUNT + 1)
    await refused(shop, ExpenseAboveLimit, lambda: agree(shop, large))
    await shop.run(lambda uow: verify_expense(uow, large.id))
    assert (await shop.run(lambda uow: approve_expense(uow, large.id))).state == "approved"


async def test_a_drawer_gives_a_cashier_only_so_much(shop: TradingShop):
    await shop.set_limits(refund_limit_cents=AMOUNT)
    till = shop.acting(Role.CASHIER)
    shift = await begin(till)
    said = {"method": "cash", "shift_id": shift.id, "amount_cents": AMOUNT + 1}
    await refused(shop, ExpenseAboveLimit, lambda: record(till, **said))
    assert (await record(till, **{**said, "amount_cents": AMOUNT})).review == []
    assert (await record(till, **{**said, "shift_id": None})).is_from_drawer is False
    told = await record(till, **said, is_fact=True)
    assert told.review == ["expenses.above_limit"]
    await count(till, shift, 100_000 - 2 * AMOUNT - 1)
    late = await record(till, **said, is_fact=True)
    assert late.review == ["shifts.closed", "expenses.above_limit"]
    assert await shop.run(lambda uow: get_expense(uow, late.id)) == late
    assert (await shop.run(lambda uow: get_shift(uow, shift.id))).late_movements == 1
    await sound(shop)


async def test_a_fact_may_overdraw_the_wallet_and_a_request_may_not(shop: TradingShop):
    await shop.set_tokens(0)
    await refused(shop, TokensExhausted, lambda: record(shop))
    await record(shop, is_fact=True)
    assert (await shop.wallet())[0] == -1
    await sound(shop)


async def test_an_expense_goes_each_step_once(shop: TradingShop):
    expense = await record(shop)
    with pytest.raises(ExpenseExists):
        await record(shop, id=expense.id)
    await refused(shop, WrongState, lambda: pay(shop, expense))
    await agree(shop, expense)
    paid = await asyncio.gather(*(pay(shop, expense) for _ in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in paid) == ["ExpenseView", *(["WrongState"] * 3)]
    await refused(shop, WrongState, lambda: cancel(shop, expense))
    assert (await sound(shop))["bank"] == -AMOUNT


async def test_expenses_are_listed_and_another_shops_are_nowhere(shop: TradingShop, other_shop: TradingShop):
    first, second = await record(shop), await record(shop, category="supplies")

    async def listed(wanted: Wanted, after: list[Any] | None = None) -> list[Any]:
        return [each.id for each in await shop.run(lambda uow: list_expenses(uow, after, 10, wanted=wanted))]

    assert await listed(Wanted()) == [second.id, first.id]
    assert await listed(Wanted(), [second.recorded_at.isoformat(), str(second.id)]) == [first.id]
    assert await listed(Wanted(category=ExpenseCategory.SUPPLIES)) == [second.id]
    assert await listed(Wanted(state=ExpenseState.PAID)) == await listed(Wanted(shift_id=new_id())) == []
    for work in (get_expense, verify_expense, approve_expense):
        with pytest.raises(ExpenseNotFound):
            await other_shop.run(lambda uow, work=work: work(uow, first.id))
    assert await other_shop.run(lambda uow: list_expenses_of(uow, [first.id])) == []
    assert [each.id for each in await shop.run(lambda uow: list_expenses_of(uow, [first.id]))] == [first.id]
    assert (await shop.run(lambda uow: get_expense(uow, first.id))).state == "recorded"
