"""Tokens for money that somebody sends to the platform's own paybill by hand, and what becomes of money that names no wallet."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payme.features import operations
from payme.features.businesses import PLATFORM_BUSINESS_ID
from payme.features.payments import UnclaimedNotFound, WalletUnknown, hand_over_receipt, list_unplaced
from payme.features.payments.services.platform_money import LOOK_JOB, NAMES_NO_WALLET, PLACED, look_for_holder
from payme.features.tokens.rules import bought_by_hand
from payme.runtime.database import UnitOfWork
from tests.features.operations.commands import payme
from tests.stack import PLATFORM_SHORTCODE, Stack, StackShop, until

PACKAGES = {30: 5_000, 70: 10_000, 150: 20_000, 400: 50_000, 850: 100_000}
DEAR, PAYER = 1_000_000, "254711555000"


@pytest.mark.parametrize(
    ("paid_cents", "quantity"),
    [
        (0, 0),
        (199, 0),
        (200, 1),
        (5_000, 30),
        (5_200, 31),
        (20_000, 150),
        (30_000, 220),
        (30_150, 220),
        (220_000, 1_850),
    ],
)
async def test_the_largest_packages_first_and_the_rest_at_two_shillings(paid_cents: int, quantity: int) -> None:
    assert bought_by_hand(paid_cents, PACKAGES) == quantity


async def is_told(stack: Stack) -> bool:
    """Say whether M-Pesa took the platform's addresses."""
    sql = "select 1 as told from c2b_registrations where business_id = $1 and state in ('registered', 'already_registered')"
    return bool(await stack.rows(PLATFORM_BUSINESS_ID, sql))


async def pay(stack: Stack, amount: int, account: str) -> str:
    """Pay the platform by hand, in whole shillings; return the receipt."""
    await until(lambda: is_told(stack))
    return (await stack.simulator.control.pay(PAYER, PLATFORM_SHORTCODE, amount, reference=account))["receipt"]


async def state_of(stack: Stack, receipt: str) -> str:
    """Return what became of the notice of a receipt."""

    async def look() -> Any:
        sql = "select state from callback_inbox where business_id = $1 and state <> 'received' and convert_from(body, 'UTF8') like '%' || $2::text || '%'"
        return [row["state"] for row in await stack.rows(PLATFORM_BUSINESS_ID, sql, receipt)]

    return (await until(look))[0]


async def has(shop: StackShop, tokens: int) -> None:
    """Wait until the wallet holds so many, and hold the books against it."""

    async def look() -> Any:
        return (await shop.get("/tokens"))["balance"] == tokens

    await until(look)
    findings = await shop.stack.database.run(operations.check_invariants, business_id=shop.business_id)
    assert [finding for finding in findings if finding.violations] == []
    assert (await shop.balances())["mpesa"] == 0


async def test_money_by_hand_buys_tokens_for_the_wallet_that_its_account_names(stack: Stack) -> None:
    shop, other = await stack.make_shop(), await stack.make_shop()
    before = (await shop.get("/tokens"))["balance"]
    top_up = (await shop.get("/tokens"))["top_up"]
    assert top_up["paybill"] == PLATFORM_SHORTCODE
    assert top_up["account"] != (await other.get("/tokens"))["top_up"]["account"]
    platform = (await stack.balances(PLATFORM_BUSINESS_ID))["mpesa"]
    account = top_up["account"]
    receipt = await pay(stack, 300, f"{account[:3]} {account[3:]}")
    await has(shop, before + 220)

    async def booked() -> Any:
        return (await stack.balances(PLATFORM_BUSINESS_ID))["mpesa"] == platform + 30_000

    await until(booked)
    await has(other, before)
    payments = await shop.rows(
        "select method, payee, status, mpesa_receipt_number from payments where business_id = $1"
    )
    assert [tuple(each) for each in payments] == [("mpesa_c2b", "platform", "succeeded", receipt)]


async def test_a_notice_told_twice_buys_once(stack: Stack) -> None:
    shop = await stack.make_shop()
    before = (await shop.get("/tokens"))["balance"]
    await stack.simulator.control.send(
        "POST", "/_sim/faults", {"product": "confirmation", "kind": "twice", "msisdn": PAYER}
    )
    receipt = await pay(stack, 50, (await shop.get("/tokens"))["top_up"]["account"])

    async def told_twice() -> Any:
        sql = "select count(*) as n from callback_inbox where business_id = $1 and state = 'handled' and convert_from(body, 'UTF8') like '%' || $2::text || '%'"
        return (await stack.rows(PLATFORM_BUSINESS_ID, sql, receipt))[0]["n"] == 2

    await until(told_twice)
    await has(shop, before + 30)

    async def idle() -> Any:
        return not await stack.rows(
            PLATFORM_BUSINESS_ID, "select 1 from pgqueuer where entrypoint = 'tokens.top_up' and $1::uuid is not null"
        )

    await until(idle)
    await has(shop, before + 30)


@pytest.mark.parametrize(("amount", "account"), [(50, "DUKA"), (50, "999999999999"), (1, ""), (DEAR // 100 + 1, "")])
async def test_what_a_notice_alone_cannot_place_waits_for_a_person(stack: Stack, amount: int, account: str) -> None:
    shop = await stack.make_shop()
    before = (await shop.get("/tokens"))["balance"]
    own = (await shop.get("/tokens"))["top_up"]["account"]
    receipt = await pay(stack, amount, account or own)
    assert await state_of(stack, receipt) == "ignored"
    waiting = await stack.database.run(list_unplaced, business_id=PLATFORM_BUSINESS_ID)
    (found,) = [each for each in waiting if each.receipt == receipt]
    assert (found.amount_cents, found.account) == (amount * 100, account or own)
    assert found.told_at <= datetime.now(UTC)
    with pytest.raises(WalletUnknown):
        await stack.database.run(lambda uow: hand_over_receipt(uow, receipt, "123"), business_id=PLATFORM_BUSINESS_ID)
    await has(shop, before)
    code, said = await payme("tokens", "unplaced", **stack.environment)
    assert (code, f"{receipt}  " in said) == (3, True)
    _, said = await payme("doctor", **stack.environment)
    assert receipt in said
    code, said = await payme("tokens", "hand-over", receipt, own, **stack.environment)
    if amount == 1:
        assert (code, "No wallet has this account" in said) == (1, True)
        return
    assert (code, receipt in said) == (0, True)
    await has(shop, before + bought_by_hand(amount * 100, PACKAGES))
    with pytest.raises(UnclaimedNotFound):
        await stack.database.run(lambda uow: hand_over_receipt(uow, receipt, own), business_id=PLATFORM_BUSINESS_ID)
    _, said = await payme("tokens", "unplaced", **stack.environment)
    assert receipt not in said


async def test_the_second_notice_of_a_prompt_does_not_stay_in_sight(stack: Stack) -> None:
    shop = await stack.make_shop()
    await until(lambda: is_told(stack))
    before = (await shop.get("/tokens"))["balance"]
    await shop.post("/tokens/purchases", {"package": 30, "phone": "254711556000"})
    await has(shop, before + 30)
    ((receipt,),) = await shop.rows("select mpesa_receipt_number from payments where business_id = $1")
    assert await state_of(stack, receipt) == "ignored"
    waiting = await stack.database.run(list_unplaced, business_id=PLATFORM_BUSINESS_ID)
    assert receipt not in {each.receipt for each in waiting}
    stray = await pay(stack, 50, "DUKA")
    assert await state_of(stack, stray) == "ignored"
    sql = "select execute_after > now() + interval '50 minutes' from pgqueuer where entrypoint = $1 order by id"
    assert [each[0] for each in await stack.owner.fetch(sql, LOOK_JOB)][-2:] == [True, True]
    for number, note in ((receipt, PLACED), (stray, NAMES_NO_WALLET)):
        entry = "select id, note from callback_inbox where business_id = $1 and convert_from(body, 'UTF8') like '%' || $2::text || '%'"
        ((inbox_id, _),) = await stack.rows(PLATFORM_BUSINESS_ID, entry, number)
        await stack.database.run(
            lambda uow, i=inbox_id, n=number: look_for_holder(uow, i, n), business_id=PLATFORM_BUSINESS_ID
        )
        ((_, kept),) = await stack.rows(PLATFORM_BUSINESS_ID, entry, number)
        assert kept == note


async def test_money_that_no_notice_came_of_is_pulled(stack: Stack) -> None:
    shop, number = await stack.make_shop(), "254711557000"
    before = (await shop.get("/tokens"))["balance"]
    own = (await shop.get("/tokens"))["top_up"]["account"]
    dear = await pay(stack, DEAR // 100 + 1, own)
    assert await state_of(stack, dear) == "ignored"
    silent: list[str] = []
    for account in (own, "DUKA"):
        await stack.simulator.control.fault("confirmation", "lost", msisdn=number)
        paid = await stack.simulator.control.pay(number, PLATFORM_SHORTCODE, 50, reference=account)
        silent.append(paid["receipt"])
    for _ in range(2):
        await _pull(stack)
        await has(shop, before + 30 + bought_by_hand(DEAR + 100, PACKAGES))
    sql = "select count(*) as n from callback_inbox where business_id = $1 and convert_from(body, 'UTF8') like '%' || $2::text || '%'"
    assert [(await stack.rows(PLATFORM_BUSINESS_ID, sql, receipt))[0]["n"] for receipt in silent] == [0, 1]
    waiting = await stack.database.run(list_unplaced, business_id=PLATFORM_BUSINESS_ID)
    (found,) = [each for each in waiting if each.receipt in {dear, *silent}]
    assert (found.receipt, found.amount_cents, found.account) == (silent[1], 5_000, "DUKA")
    code, _ = await payme("tokens", "hand-over", silent[1], own, **stack.environment)
    assert code == 0
    await has(shop, before + 60 + bought_by_hand(DEAR + 100, PACKAGES))


async def _pull(stack: Stack) -> None:
    """Have the platform's paybill pulled, and wait until that is done."""
    # Safaricom counts whole seconds: what was paid in this one is not over yet.
    delay = timedelta(seconds=2)

    async def enqueue(uow: UnitOfWork) -> None:
        uow.enqueue("payments.pull", {"kind": "paybill"}, execute_after=delay)

    sql = "select covered_until from pull_windows where business_id = $1"
    known = await stack.rows(PLATFORM_BUSINESS_ID, sql)
    await stack.database.run(enqueue, business_id=PLATFORM_BUSINESS_ID)

    async def looked_through() -> bool:
        return await stack.rows(PLATFORM_BUSINESS_ID, sql) != known

    await until(looked_through)
