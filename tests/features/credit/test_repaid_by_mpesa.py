"""Debts repaid by M-Pesa: by a prompt, by the account's code, out of the tray; once per receipt, and taken back."""

import asyncio
from typing import Any

import pytest

from payme.features.credit import AccountClosed, CreditAccountNotFound, MoreThanOwed, RepaymentView
from payme.features.credit.errors import AlreadyTakenBack, NotByMpesa, RepaymentNotFound
from payme.features.credit.schemas import ClaimForAccount, TakeBack
from payme.features.credit.services.repay_by_mpesa import claim_for_account, take_back
from payme.features.payments import (
    AlreadyClaimed,
    Destination,
    PromptAlreadyOpen,
    UnclaimedNotFound,
    WholeShillings,
    claim_unclaimed,
)
from payme.features.payments.enums import Source
from payme.features.payments.schemas import ReturnMoney
from payme.features.payments.services.place_money import Arrival, place_money
from payme.features.payments.services.request_payout import return_money
from payme.features.reconciliation.schemas import RunDay
from payme.features.reconciliation.services.read_runs import show_run
from payme.features.reconciliation.services.run_day import reconcile
from payme.features.sales.services.claim_money import list_suggestions
from payme.features.tokens import TokensExhausted
from payme.kit.ids import new_id
from payme.kit.time import business_day
from tests.features.credit.conftest import PRICE, Counter, open_counter
from tests.trade import PHONE, TradingShop, new_receipt
from tests.unchanged import refused

BY_PROMPT: dict[str, Any] = {"method": "mpesa_stk", "phone": PHONE}


async def ask(counter: Counter, amount_cents: int) -> RepaymentView:
    asked = await counter.repay(amount_cents, **BY_PROMPT)
    await counter.shop.accept(asked.id)
    return asked


async def told(
    counter: Counter, amount_cents: int, reference: str, *, receipt: str = "", source: Source = Source.C2B
) -> str:
    """Have Safaricom tell of money that a customer sent by hand."""
    arrival = Arrival(
        source, receipt or new_receipt(), amount_cents, "174379", ["174379"], payer_name="ACHIENG",
        payer_number="2547 ***** 321", bill_reference=reference,
    )  # fmt: skip
    await counter.shop.run(lambda uow: place_money(uow, arrival))
    await counter.shop.hear()
    return arrival.receipt


async def in_tray(counter: Counter) -> list[tuple[Any, ...]]:
    return await counter.shop.rows(
        "select id, amount_cents from unclaimed_money where business_id = $1 and state = 'unclaimed' order by received_at, id"
    )


async def test_a_prompt_lowers_the_debt_when_it_is_paid(counter: Counter):
    first, second = await counter.sell(1), await counter.sell(2)
    balance, _ = await counter.shop.wallet()
    asked = await ask(counter, 15_000)
    assert (asked.state, asked.payment_id, await counter.owes()) == ("awaiting_payment", asked.id, 30_000)
    assert await counter.shop.wallet() == (balance, 1)
    await refused(counter.shop, PromptAlreadyOpen, lambda: counter.repay(1_000, **BY_PROMPT))
    receipt = new_receipt()
    for _ in range(2):
        await counter.shop.paid(asked.id, 15_000, receipt=receipt)
    await counter.shop.hear(again=True)
    assert (await counter.owes(), await counter.shop.wallet()) == (15_000, (balance - 1, 0))
    statement = await counter.statement()
    assert [(each.sale_id, each.left_cents) for each in statement.open_charges] == [(second.id, 15_000)]
    entry = statement.entries[-1]
    assert (entry.cause, entry.kind, entry.method, entry.note) == (asked.id, "repayment", "mpesa", receipt)
    assert (await counter.shop.balances())["mpesa"] == 15_000
    assert first.id not in {each.sale_id for each in statement.open_charges}


async def test_nobody_is_asked_for_more_than_they_owe(counter: Counter):
    await counter.sell(1)
    await refused(counter.shop, MoreThanOwed, lambda: counter.repay(PRICE + 100, **BY_PROMPT))
    await refused(counter.shop, WholeShillings, lambda: counter.repay(PRICE - 1, **BY_PROMPT))
    await counter.shop.set_tokens(0)
    await refused(counter.shop, TokensExhausted, lambda: counter.repay(PRICE, **BY_PROMPT))


async def test_a_prompt_that_fails_repays_nothing_and_a_late_success_does(counter: Counter):
    await counter.sell(1)
    wallet = await counter.shop.wallet()
    asked = await ask(counter, PRICE)
    await counter.shop.fails(asked.id)
    assert (await counter.owes(), await counter.shop.wallet()) == (PRICE, wallet)
    await counter.shop.paid(asked.id, PRICE)
    assert (await counter.owes(), await counter.shop.wallet()) == (0, (wallet[0] - 1, 0))


async def test_what_was_repaid_meanwhile_is_paid_ahead(counter: Counter):
    await counter.sell(1)
    asked = await ask(counter, PRICE)
    await counter.repay(6_000)
    await counter.shop.paid(asked.id, PRICE)
    assert await counter.owes() == -6_000


async def test_money_for_an_account_that_was_closed_waits_in_the_tray(counter: Counter):
    await counter.sell(1)
    asked = await ask(counter, PRICE)
    await counter.repay(PRICE)
    await counter.change(state="closed")
    await counter.shop.paid(asked.id, PRICE)
    assert (await counter.owes(), (await counter.shop.wallet())[1]) == (0, 0)
    assert (await counter.account()).state == "closed"
    ((row, amount_cents),) = await in_tray(counter)
    assert amount_cents == PRICE
    command = ClaimForAccount(unclaimed_id=row)
    await refused(
        counter.shop, AccountClosed, lambda: counter.shop.run(lambda uow: claim_for_account(uow, counter.account_id, command))
    )  # fmt: skip
    await told(counter, 500, (await counter.account()).code)
    assert len(await in_tray(counter)) == 2


@pytest.mark.parametrize("spelt", ["{0}", " {0} ", "{1}-{2}", "{1} {2}"])
async def test_money_by_hand_finds_the_account_that_it_names(counter: Counter, spelt: str):
    await counter.sell(3)
    code = (await counter.account()).code
    reference = spelt.format(code, code[:3], code[3:])
    receipt = await told(counter, 12_000, reference)
    for source in (Source.C2B, Source.PULL):
        await told(counter, 12_000, reference, receipt=receipt, source=source)
    await counter.shop.hear(again=True)
    assert await counter.owes() == 18_000
    await told(counter, 20_000, code)
    assert (await counter.owes(), await in_tray(counter)) == (-2_000, [])
    assert (await counter.statement()).open_charges == []


async def test_a_code_names_an_account_of_its_own_shop_only(counter: Counter, other_shop: TradingShop):
    theirs = await open_counter(other_shop)
    code = (await theirs.account()).code
    for reference in (code, code[:-1], f"{code}0", f"A{code}", ""):
        await told(counter, 500, reference)
    own = await counter.account()
    assert (own.balance_cents, (await theirs.account()).balance_cents) == (0, 0)
    assert len(await in_tray(counter)) == 5
    assert own.code != code


async def test_money_in_the_tray_repays_and_is_suggested(counter: Counter):
    await counter.sell(2)
    await told(counter, 20_000, "achieng")
    ((row, _),) = await in_tray(counter)
    (suggestion,) = await counter.shop.run(lambda uow: list_suggestions(uow, row))
    assert (suggestion.purpose, suggestion.purpose_id, suggestion.label, suggestion.due_cents, suggestion.because) == (
        "credit_account", counter.account_id, "Achieng", 20_000, ["amount"]
    )  # fmt: skip
    command = ClaimForAccount(unclaimed_id=row)
    tries = [counter.shop.run(lambda uow: claim_for_account(uow, counter.account_id, command)) for _ in range(6)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, RepaymentView) for each in results) == 1
    assert sum(isinstance(each, AlreadyClaimed) for each in results) == 5
    assert (await counter.owes(), await in_tray(counter)) == (0, [])
    for refusal, account_id, unclaimed_id in (
        (AlreadyClaimed, counter.account_id, row),
        (UnclaimedNotFound, counter.account_id, new_id()),
        (CreditAccountNotFound, new_id(), row),
    ):
        wanted = ClaimForAccount(unclaimed_id=unclaimed_id)
        await refused(
            counter.shop, refusal, lambda to=account_id, of=wanted: counter.shop.run(lambda uow: claim_for_account(uow, to, of))
        )  # fmt: skip


async def test_a_debt_above_the_limit_of_belief_is_suggested_by_its_code(counter: Counter):
    await counter.change(limit_cents=5_000_000)
    await counter.shop.set_limits(verify_above_cents=1_000)
    await counter.sell(1)
    await told(counter, 3_000, (await counter.account()).code)
    ((row, _),) = await in_tray(counter)
    (suggestion,) = await counter.shop.run(lambda uow: list_suggestions(uow, row))
    assert (suggestion.purpose_id, suggestion.because) == (counter.account_id, ["reference"])
    assert await counter.owes() == PRICE


async def test_what_is_taken_back_is_owed_again_and_can_be_sent_back(counter: Counter):
    sale = await counter.sell(1)
    receipt = await told(counter, 4_000, (await counter.account()).code)
    (paid,) = [each for each in (await counter.statement()).entries if each.kind == "repayment"]
    command = TakeBack(reason="Sent by somebody else")

    async def undo() -> Any:
        return await counter.shop.run(
            lambda uow: take_back(uow, counter.account_id, paid.cause, command=command)
        )  # fmt: skip

    results = await asyncio.gather(undo(), undo(), undo(), return_exceptions=True)
    assert sum(isinstance(each, AlreadyTakenBack) for each in results) == 2
    assert [each.balance_cents for each in results if not isinstance(each, BaseException)] == [PRICE]
    assert await counter.owes() == PRICE
    statement = await counter.statement()
    assert (statement.entries[-1].kind, statement.entries[-1].amount_cents) == ("taken_back", 4_000)
    assert [(each.sale_id, each.left_cents) for each in statement.open_charges] == [(sale.id, PRICE)]
    ((row, amount_cents),) = await in_tray(counter)
    assert amount_cents == 4_000
    payout = await counter.shop.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Not hers")))
    assert (payout.kind, payout.amount_cents, payout.purpose) == ("reversal", 4_000, "unclaimed")
    originals = await counter.shop.rows("select original_receipt from payouts where business_id = $1")
    assert originals == [(receipt,)]


async def test_only_a_repayment_by_mpesa_is_taken_back(counter: Counter):
    await counter.sell(1)
    cash = await counter.repay(1_000)
    command = TakeBack(reason="Why not")
    for refusal, repayment_id in ((NotByMpesa, cash.id), (RepaymentNotFound, new_id())):
        await refused(
            counter.shop, refusal,
            lambda of=repayment_id: counter.shop.run(
                lambda uow: take_back(uow, counter.account_id, of, command=command)
            ),
        )  # fmt: skip


async def test_a_receipt_that_a_debt_took_is_nobody_elses(counter: Counter):
    await counter.sell(2)
    await told(counter, 5_000, (await counter.account()).code)
    ((row,),) = await counter.shop.rows("select id from unclaimed_money where business_id = $1")
    sale_id = new_id()
    await refused(
        counter.shop, AlreadyClaimed,
        lambda: counter.shop.run(lambda uow: claim_unclaimed(uow, row, Destination("sale", sale_id))),
    )  # fmt: skip
    assert await counter.owes() == 15_000


async def test_the_day_accounts_for_what_was_repaid(counter: Counter):
    await counter.sell(4)
    asked = await ask(counter, 9_000)
    await counter.shop.paid(asked.id, 9_000)
    code = (await counter.account()).code
    await told(counter, 7_000, code)
    await told(counter, 1_000, code)
    last = (await counter.statement()).entries[-1]
    await counter.shop.run(
        lambda uow: take_back(uow, counter.account_id, last.cause, command=TakeBack(reason="Not hers"))
    )
    today = business_day((await counter.account()).updated_at)
    made = await counter.shop.run(lambda uow: reconcile(uow, RunDay(date=today, counted_cash_cents=0)))
    run = await counter.shop.run(lambda uow: show_run(uow, made.id))
    ((shown),) = run.sums
    assert (shown.received_cents, shown.applied_cents, shown.unclaimed_cents, shown.is_whole) == (
        17_000,
        16_000,
        1_000,
        True,
    )
    assert {each for (each,) in await counter.shop.rows("select kind from differences where business_id = $1")} == {
        "unclaimed"
    }
    assert await counter.owes() == 40_000 - 16_000
