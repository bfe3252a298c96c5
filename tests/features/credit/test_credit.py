"""Credit: bought within the limit, lowered by what comes back, repaid oldest first; the debt is what the books say."""

import asyncio
from datetime import timedelta

import pytest

from payme.features.credit import (
    AccountClosed,
    CreditAccountNotFound,
    LimitExceeded,
    MoreThanOwed,
    OpenCreditAccount,
    charge,
    list_accounts_of,
    list_repayments_among,
    open_account,
)
from payme.features.credit.errors import CreditAccountExists, DebtLeft, RepaymentExists
from payme.features.credit.services.read_accounts import list_accounts
from payme.features.customers import CustomerNotFound
from payme.features.sales.errors import MpesaPaidLess, NothingToCredit, OneCreditAccount
from payme.features.shifts import CloseShift, OpenShift, close_shift, open_shift
from payme.features.tokens import TokensExhausted
from payme.kit.ids import new_id
from payme.kit.time import business_day
from tests.features.credit.conftest import LIMIT, PRICE, Counter, open_counter
from tests.trade import TradingShop, card, cash, stk
from tests.unchanged import refused


async def test_a_sale_on_credit_is_owed(counter: Counter):
    sale = await counter.sell(2)
    assert (sale.status, sale.paid_cents, [each.method for each in sale.payments]) == ("completed", 20_000, ["credit"])
    mixed = await counter.sell(1, cash(4_000), counter.on_credit(6_000))
    assert mixed.status == "completed"
    assert await counter.owes() == 26_000
    account = await counter.account()
    assert (account.available_cents, account.rev) == (LIMIT - 26_000, 3)
    statement = await counter.statement()
    assert [(each.kind, each.amount_cents, each.balance_cents) for each in statement.entries] == [
        ("charge", 20_000, 20_000), ("charge", 6_000, 26_000)
    ]  # fmt: skip
    due = business_day(account.updated_at) + timedelta(days=30)
    assert [(each.sale_id, each.left_cents, each.due_on, each.is_overdue) for each in statement.open_charges] == [
        (sale.id, 20_000, due, False), (mixed.id, 6_000, due, False)
    ]  # fmt: skip


async def test_nobody_owes_more_than_the_limit(counter: Counter):
    await counter.sell(4)
    refusal = await refused(counter.shop, LimitExceeded, lambda: counter.sell(2))
    assert (refusal.facts["limit_cents"], refusal.facts["balance_cents"]) == (LIMIT, 40_000)
    await counter.sell(1)
    assert await counter.owes() == LIMIT
    await counter.change(limit_cents=10_000)
    await refused(counter.shop, LimitExceeded, counter.sell)
    assert (await counter.account()).available_cents == 0


async def test_two_tills_that_sell_at_once_stay_within_the_limit(counter: Counter):
    sold = await asyncio.gather(*(counter.sell(1) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(each, LimitExceeded) for each in sold) == 3
    assert await counter.owes() == LIMIT


async def test_a_fact_is_owed_above_the_limit_and_shown(counter: Counter):
    sale = await counter.sell(5)

    facts = {"payment_id": new_id(), "sale_id": sale.id, "amount_cents": 1_000}
    await refused(
        counter.shop, LimitExceeded, lambda: counter.shop.run(lambda uow: charge(uow, counter.account_id, **facts))
    )
    await counter.shop.run(lambda uow: charge(uow, counter.account_id, **facts, is_fact=True))
    entries = (await counter.statement()).entries
    assert [(each.amount_cents, each.over_limit) for each in entries] == [(50_000, False), (1_000, True)]


async def test_a_repayment_lowers_the_debt_for_a_token(counter: Counter):
    first, second = await counter.sell(1), await counter.sell(2)
    before, tokens = await counter.shop.balances(), await counter.shop.wallet()
    paid = await counter.repay(15_000, note="By her son")
    after = await counter.shop.balances()
    assert (after["cash"] - before.get("cash", 0), (await counter.shop.wallet())[0]) == (15_000, tokens[0] - 1)
    assert await counter.owes() == 15_000
    statement = await counter.statement()
    assert [(each.sale_id, each.left_cents) for each in statement.open_charges] == [(second.id, 15_000)]
    assert (statement.entries[-1].note, statement.closing_cents) == ("By her son", 15_000)
    assert await counter.shop.run(lambda uow: list_repayments_among(uow, [paid.id, first.id])) == {
        (paid.id, "credit.repaid"): 15_000
    }
    await counter.repay(5_000, method="card_recorded")
    assert (await counter.shop.balances())["card"] == 5_000
    await refused(counter.shop, MoreThanOwed, lambda: counter.repay(10_001))
    await refused(counter.shop, RepaymentExists, lambda: counter.repay(1, id=paid.id))
    await counter.shop.set_tokens(0)
    await refused(counter.shop, TokensExhausted, lambda: counter.repay(10_000))
    await counter.repay(12_000, is_fact=True)
    assert await counter.owes() == -2_000
    assert (await counter.account()).available_cents == LIMIT + 2_000


async def test_repayments_at_once_never_take_more_than_is_owed(counter: Counter):
    await counter.sell(3)
    paid = await asyncio.gather(*(counter.repay(10_000) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(each, MoreThanOwed) for each in paid) == 2
    assert await counter.owes() == 0


async def test_goods_that_come_back_lower_the_debt_first(counter: Counter):
    sale = await counter.sell(3, counter.on_credit(20_000), cash(10_000))
    drawer = (await counter.shop.balances())["cash"]
    first = await counter.shop.refund(sale, (0, 1))
    assert (first.amount_cents, first.debt_cents, first.money_cents) == (10_000, 10_000, 0)
    assert (await counter.owes(), (await counter.shop.balances())["cash"]) == (10_000, drawer)
    await refused(counter.shop, MpesaPaidLess, lambda: counter.shop.refund(sale, (0, 1), method="mpesa"))
    second = await counter.shop.refund(sale, (0, 2))
    assert (second.amount_cents, second.debt_cents) == (20_000, 10_000)
    assert (await counter.owes(), (await counter.shop.balances()).get("cash", 0)) == (0, drawer - 10_000)


async def test_a_note_is_given_for_what_was_not_owed(counter: Counter):
    sale = await counter.sell(2, counter.on_credit(5_000), cash(15_000))
    await counter.shop.refund(sale, method="credit_note")
    assert [each.amount_cents for each in await counter.shop.credit_notes()] == [15_000]
    owed = await counter.sell(1)
    await refused(counter.shop, NothingToCredit, lambda: counter.shop.refund(owed, method="credit_note"))
    await counter.shop.refund(owed)
    assert len(await counter.shop.credit_notes()) == 1
    assert await counter.owes() == 0


async def test_what_was_repaid_already_is_credit_for_the_next_purchase(counter: Counter):
    sale = await counter.sell(1)
    await counter.repay(PRICE)
    await counter.shop.refund(sale)
    assert await counter.owes() == -PRICE
    await counter.sell(1)
    assert await counter.owes() == 0
    assert (await counter.statement()).open_charges == []


async def test_a_void_takes_the_debt_back(counter: Counter):
    sale = await counter.sell(2, counter.on_credit(12_000), card(8_000))
    voided = await counter.shop.void(sale.id)
    assert (voided.debt_cents, await counter.owes()) == (12_000, 0)
    assert "card" not in await counter.shop.balances()


async def test_a_sale_that_comes_to_nothing_is_not_owed(counter: Counter):
    sale = await counter.sell(2, counter.on_credit(5_000), stk(15_000))
    assert (sale.status, await counter.owes()) == ("awaiting_payment", 5_000)
    (prompt,) = [each for each in sale.payments if each.method == "mpesa_stk"]
    await counter.shop.accept(prompt.id)
    await counter.shop.fails(prompt.id)
    await refused(counter.shop, OneCreditAccount, lambda: counter.shop.pay(sale.id, **counter.on_credit(1_000)))
    await counter.shop.cancel(sale.id)
    assert await counter.owes() == 0
    assert [each.kind for each in (await counter.statement()).entries] == ["charge", "returned"]


async def test_a_sale_is_paid_on_by_credit(counter: Counter):
    sale = await counter.sell(1, stk(PRICE))
    (prompt,) = [each for each in sale.payments if each.method == "mpesa_stk"]
    await counter.shop.accept(prompt.id)
    await counter.shop.fails(prompt.id)
    paid = await counter.shop.pay(sale.id, **counter.on_credit())
    assert (paid.status, await counter.owes()) == ("completed", PRICE)


async def test_a_sale_is_bought_on_one_account_that_is_there(counter: Counter, other_shop: TradingShop):
    theirs = await open_counter(other_shop)
    halves = [counter.on_credit(5_000), counter.on_credit(5_000)]
    await refused(counter.shop, OneCreditAccount, lambda: counter.sell(1, *halves))
    foreign = counter.on_credit(account_id=theirs.account_id)
    await refused(counter.shop, CreditAccountNotFound, lambda: counter.sell(1, foreign))
    assert await counter.shop.run(lambda uow: list_accounts_of(uow, [theirs.account_id])) == []
    assert await theirs.owes() == 0


async def test_an_account_closes_at_zero_and_sells_no_more(counter: Counter):
    await counter.sell(1)
    await refused(counter.shop, DebtLeft, lambda: counter.change(state="closed"))
    await counter.repay(PRICE)
    closed = await counter.change(state="closed")
    assert (closed.state, closed.available_cents) == ("closed", 0)
    await refused(counter.shop, AccountClosed, counter.sell)
    assert (await counter.change(state="closed")).rev == closed.rev
    await counter.change(state="open", terms_days=7)
    await counter.sell(1)
    assert await counter.owes() == PRICE


async def test_a_customer_has_one_account(counter: Counter, other_shop: TradingShop):
    account = await counter.account()
    again = OpenCreditAccount(customer_id=account.customer_id, limit_cents=1)
    await refused(counter.shop, CreditAccountExists, lambda: counter.shop.run(lambda uow: open_account(uow, again)))
    with pytest.raises(CustomerNotFound):
        await other_shop.run(lambda uow: open_account(uow, again))


async def test_accounts_are_listed(counter: Counter):
    account = await counter.account()

    async def listed(limit: int = 10, **wanted: object) -> list[object]:
        asked = {"customer_id": None, "only_owing": False, **wanted}
        return [each.id for each in await counter.shop.run(lambda uow: list_accounts(uow, None, limit, **asked))]

    assert await listed() == await listed(customer_id=account.customer_id) == [account.id]
    assert await listed(customer_id=new_id()) == await listed(only_owing=True) == []
    await counter.sell(1)
    assert await listed(only_owing=True) == [account.id]
    after = [account.created_at.isoformat(), str(account.id)]
    assert await counter.shop.run(lambda uow: list_accounts(uow, after, 9, customer_id=None, only_owing=False)) == []


async def test_a_statement_begins_with_what_was_owed_before(counter: Counter):
    await counter.sell(1)
    today = business_day((await counter.account()).updated_at)
    tomorrow = await counter.statement(since=today + timedelta(days=1))
    assert (tomorrow.opening_cents, tomorrow.entries, tomorrow.closing_cents) == (PRICE, [], PRICE)
    yesterday = await counter.statement(until=today - timedelta(days=1))
    assert (yesterday.opening_cents, yesterday.entries, yesterday.closing_cents) == (0, [], 0)
    assert len((await counter.statement(since=today, until=today)).entries) == 1


async def test_a_repayment_lies_in_the_drawer(counter: Counter):
    shift = await counter.shop.run(lambda uow: open_shift(uow, OpenShift(float_cents=0)))
    await counter.sell(1, shift_id=shift.id)
    await counter.repay(4_000, shift_id=shift.id)
    await counter.repay(1_000, shift_id=shift.id, method="card_recorded")
    closed = await counter.shop.run(lambda uow: close_shift(uow, shift.id, CloseShift(counted_cents=4_000)))
    assert (closed.expected_cents, closed.difference_cents) == (4_000, 0)
    assert await counter.owes() == 5_000
