"""A sale paid by M-Pesa, through the API, the worker and the simulator as processes of their own.

The last two digits of a phone number choose what the simulator does with its prompt; each test has numbers of its own.
"""

import itertools
from decimal import Decimal
from typing import Any

from payme.features import operations
from payme.features.businesses import PLATFORM_BUSINESS_ID
from tests.stack import Stack, StackShop, until

PRICE = 15_000
_numbers = itertools.count(1)


def phone(suffix: str) -> str:
    """Return a number that nobody else uses, with these last digits."""
    return f"25471{next(_numbers):05d}{suffix}"


async def pushes(stack: Stack, number: str) -> list[dict[str, Any]]:
    """Return the requests for a prompt that reached M-Pesa for a number."""
    return await stack.simulator.control.transcript(event="request", product="stkpush", msisdn=number)


async def nothing_is_set_aside(shop: StackShop) -> bool:
    """Say whether neither stock nor a token is reserved."""
    level = await shop.rows("select sum(reserved) as reserved from stock_levels where business_id = $1")
    return level[0]["reserved"] == 0 and (await shop.get("/tokens"))["reserved"] == 0


async def everything_holds(shop: StackShop) -> None:
    """Assert every invariant of the shop."""
    findings = await shop.stack.database.run(operations.check_invariants, business_id=shop.business_id)
    assert [finding for finding in findings if finding.violations] == []


async def is_released(shop: StackShop, sale_id: str, *, status: str, reason: str) -> None:
    """Assert that a sale ended without money, with its payment's reason, and let everything go."""
    sale = await shop.sale_becomes(sale_id, status)
    assert sale["payments"][0]["reason_code"] == reason
    assert await nothing_is_set_aside(shop)
    stock = await shop.rows("select sum(on_hand) as on_hand from stock_levels where business_id = $1")
    assert stock[0]["on_hand"] == 100
    assert {code for code, balance in (await shop.balances()).items() if balance} <= {
        "inventory", "goods_received", "tokens", "tokens_granted",
    }  # fmt: skip
    await everything_holds(shop)


async def test_an_accepted_prompt_completes_the_sale_in_all_books(stack: Stack) -> None:
    shop = await stack.make_shop(layers=((Decimal(10), 10_000), (Decimal(10), 13_000)))
    number = phone("00")
    before = (await shop.get("/tokens"))["balance"]
    sale = await shop.sell_by_prompt(number, 15 * PRICE, quantity="15")
    assert (sale["status"], sale["payments"][0]["status"]) == ("awaiting_payment", "created")
    assert sale["tokens"]["reserved"] == 1
    done = await shop.sale_becomes(sale["id"], "completed")
    payment = done["payments"][0]
    assert (payment["status"], payment["assurance"]) == ("succeeded", "confirmed")
    assert len(payment["mpesa_receipt_number"]) == 10
    assert done["cost_cents"] == 165_000
    assert done["profit_cents"] == 15 * PRICE - done["vat_cents"] - 165_000
    assert done["vat_cents"] == 31_034
    assert done["receipt_number"]
    assert (await shop.get("/tokens"))["balance"] == before - 1
    assert await nothing_is_set_aside(shop)
    books = await shop.balances()
    assert books["mpesa"] == 15 * PRICE
    assert books["payments_held"] == 0
    assert books["sales_revenue"] == -(15 * PRICE - 31_034)
    assert books["vat_payable"] == -31_034
    assert books["cost_of_goods"] == 165_000
    assert books["inventory"] == 65_000
    assert len(await pushes(stack, number)) == 1
    await everything_holds(shop)


async def test_a_cancelled_prompt_releases_the_sale(stack: Stack) -> None:
    shop = await stack.make_shop()
    sale = await shop.sell_by_prompt(phone("32"), PRICE)
    await is_released(shop, sale["id"], status="payment_failed", reason="cancelled")


async def test_a_wrong_pin_releases_the_sale(stack: Stack) -> None:
    shop = await stack.make_shop()
    sale = await shop.sell_by_prompt(phone("20"), PRICE)
    await is_released(shop, sale["id"], status="payment_failed", reason="pin")


async def test_a_prompt_that_nobody_answers_releases_the_sale(stack: Stack) -> None:
    shop = await stack.make_shop()
    sale = await shop.sell_by_prompt(phone("77"), PRICE)
    await is_released(shop, sale["id"], status="payment_failed", reason="unreachable")


async def test_a_person_at_the_phone_pays(stack: Stack) -> None:
    shop = await stack.make_shop()
    number = phone("78")
    sale = await shop.sell_by_prompt(number, PRICE)

    async def prompt() -> Any:
        return await stack.simulator.control.prompts(number)

    shown = (await until(prompt))[0]
    await stack.simulator.control.answer(shown["id"], "pin", "1234")
    await shop.sale_becomes(sale["id"], "completed")
    await everything_holds(shop)


async def test_a_lost_callback_is_made_up_for_by_a_question(stack: Stack) -> None:
    shop = await stack.make_shop()
    sale = await shop.sell_by_prompt(phone("40"), PRICE)
    done = await shop.sale_becomes(sale["id"], "completed")
    assert done["payments"][0].get("mpesa_receipt_number") is None
    evidence = await shop.rows(
        "select distinct source from payment_evidence where business_id = $1 and outcome = 'paid'"
    )
    assert [row["source"] for row in evidence] == ["query"]
    await everything_holds(shop)


async def test_a_callback_before_the_answer_and_one_that_comes_twice_count_once(stack: Stack) -> None:
    shop = await stack.make_shop()
    early = await shop.sell_by_prompt(phone("41"), PRICE)
    twice = await shop.sell_by_prompt(phone("42"), PRICE)
    for sale in (early, twice):
        await shop.sale_becomes(sale["id"], "completed")
    assert (await shop.balances())["mpesa"] == 2 * PRICE
    await everything_holds(shop)


async def _completes_after_its_failure(shop: StackShop, number: str) -> None:
    sale = await shop.sell_by_prompt(number, PRICE)
    await shop.sale_becomes(sale["id"], "payment_failed")
    assert await nothing_is_set_aside(shop)
    await shop.stack.simulator.control.advance(120)
    done = await shop.sale_becomes(sale["id"], "completed")
    payment = await shop.get(f"/payments/{done['payments'][0]['id']}")
    assert (payment["status"], payment["late"], payment.get("reason_code")) == ("succeeded", True, None)
    assert (await shop.balances())["mpesa"] == PRICE
    assert await nothing_is_set_aside(shop)
    await everything_holds(shop)


async def test_a_success_after_an_unreached_phone_completes_all_the_same(stack: Stack) -> None:
    await _completes_after_its_failure(await stack.make_shop(), phone("43"))


async def test_a_success_after_a_cancelled_prompt_completes_all_the_same(stack: Stack) -> None:
    await _completes_after_its_failure(await stack.make_shop(), phone("44"))


async def test_another_amount_is_a_part_payment_and_never_a_silent_success(stack: Stack) -> None:
    shop = await stack.make_shop()
    sale = await shop.sell_by_prompt(phone("45"), PRICE)
    payment_id = sale["payments"][0]["id"]
    payment = await shop.payment_becomes(payment_id, "succeeded")
    assert payment["paid_cents"] == PRICE - 100
    assert payment["mpesa_receipt_number"]

    async def settled() -> Any:
        return (await shop.get(f"/payments/{payment_id}"))["settlement"] == "applied"

    await until(settled)
    waiting = await shop.get(f"/sales/{sale['id']}")
    assert (waiting["status"], waiting["paid_cents"]) == ("awaiting_payment", PRICE - 100)
    effects = await shop.rows("select effect from payment_evidence where business_id = $1")
    assert "amount_differs" in {row["effect"] for row in effects}
    done = await shop.post(
        f"/sales/{sale['id']}/payments", {"method": "cash", "amount_cents": 100, "received_cents": 100}
    )
    assert done["status"] == "completed"
    await everything_holds(shop)


async def test_a_late_callback_corrects_the_books_of_what_a_question_had_settled(stack: Stack) -> None:
    shop = await stack.make_shop()
    number = phone("00")
    await stack.simulator.control.fault("callback", "other_amount", msisdn=number, amount=149)
    await stack.simulator.control.fault("callback", "late", msisdn=number, seconds=600)
    sale = await shop.sell_by_prompt(number, PRICE)
    await shop.sale_becomes(sale["id"], "completed")
    await stack.simulator.control.advance(700)

    async def corrected() -> Any:
        return (await shop.balances())["mpesa"] == PRICE - 100

    await until(corrected)
    books = await shop.balances()
    assert (books["mpesa_to_confirm"], books["payments_held"]) == (100, 0)
    payment = await shop.get(f"/payments/{sale['payments'][0]['id']}")
    assert (payment["status"], payment["paid_cents"]) == ("succeeded", PRICE)
    assert payment["mpesa_receipt_number"]
    await everything_holds(shop)


async def test_a_push_that_hangs_after_it_was_taken_leads_to_one_prompt(stack: Stack) -> None:
    shop = await stack.make_shop()
    number = phone("79")
    await stack.simulator.control.fault("stkpush", "hang", msisdn=number, seconds=3)
    sale = await shop.sell_by_prompt(number, PRICE)
    payment = await shop.payment_becomes(sale["payments"][0]["id"], "unknown")
    refused = await shop.call("POST", f"/payments/{payment['id']}/no-prompt")
    assert (refused.status_code, refused.json()["code"]) == (409, "payments.prompt_may_still_come")
    unasked = await shop.call("POST", f"/payments/{payment['id']}/check")
    assert (unasked.status_code, unasked.json()["code"]) == (409, "payments.nothing_to_ask")
    shown = await stack.simulator.control.prompts(number)
    assert len(shown) == 1
    await stack.simulator.control.answer(shown[0]["id"], "pin", "1234")
    await shop.sale_becomes(sale["id"], "completed")
    assert len(await pushes(stack, number)) == 1
    assert (await shop.balances())["mpesa"] == PRICE
    await everything_holds(shop)


async def test_a_worker_killed_while_sending_leaves_a_doubt_and_no_second_prompt(stack: Stack) -> None:
    shop = await stack.make_shop()
    number = phone("80")
    await stack.simulator.control.fault("stkpush", "hang", msisdn=number, seconds=30)
    await stack.simulator.control.settings(prompt_seconds=60)
    sale = await shop.sell_by_prompt(number, PRICE)
    payment_id = sale["payments"][0]["id"]

    async def has_left() -> Any:
        return await pushes(stack, number)

    try:
        await until(has_left)
        sending = await shop.get(f"/payments/{payment_id}")
        stack.kill_worker()
        assert sending["status"] == "sending"
    finally:
        await stack.simulator.control.settings(prompt_seconds=2)
        if stack.worker is None:
            # A lost worker's jobs are taken over after its heartbeat.
            stack.start_worker(WORKER_HEARTBEAT_SECONDS="2")
    await shop.payment_becomes(payment_id, "unknown")
    shown = await stack.simulator.control.prompts(number)
    await stack.simulator.control.answer(shown[0]["id"], "pin", "1234")
    await shop.sale_becomes(sale["id"], "completed")
    assert len(await pushes(stack, number)) == 1
    await everything_holds(shop)


async def test_while_a_prompt_is_out_the_sale_cannot_be_cancelled_or_paid_again(stack: Stack) -> None:
    shop = await stack.make_shop()
    number = phone("81")
    sale = await shop.sell_by_prompt(number, PRICE)
    await shop.payment_becomes(sale["payments"][0]["id"], "pending")
    cancel = await shop.call("POST", f"/sales/{sale['id']}/cancel")
    cash = {"method": "cash", "amount_cents": PRICE, "received_cents": PRICE}
    again = await shop.call("POST", f"/sales/{sale['id']}/payments", cash)
    prompt = await shop.call(
        "POST", f"/sales/{sale['id']}/payments", {"method": "mpesa_stk", "amount_cents": PRICE, "phone": phone("00")}
    )
    assert [answer.status_code for answer in (cancel, again, prompt)] == [409, 409, 409]
    shown = await stack.simulator.control.prompts(number)
    await stack.simulator.control.answer(shown[0]["id"], "cancel")
    await shop.sale_becomes(sale["id"], "payment_failed")
    cancelled = await shop.post(f"/sales/{sale['id']}/cancel")
    assert cancelled["status"] == "cancelled"
    assert await nothing_is_set_aside(shop)
    await everything_holds(shop)


async def test_cash_pays_a_sale_whose_prompt_failed(stack: Stack) -> None:
    shop = await stack.make_shop()
    sale = await shop.sell_by_prompt(phone("32"), PRICE)
    await shop.sale_becomes(sale["id"], "payment_failed")
    cash = {"method": "cash", "amount_cents": PRICE, "received_cents": 20_000}
    done = await shop.post(f"/sales/{sale['id']}/payments", cash)
    assert (done["status"], done["change_cents"]) == ("completed", 5_000)
    books = await shop.balances()
    assert (books["cash"], books["mpesa"], books["payments_held"]) == (PRICE, 0, 0)
    await everything_holds(shop)


async def test_money_that_comes_after_the_sale_was_paid_in_cash_is_unclaimed(stack: Stack) -> None:
    shop = await stack.make_shop()
    sale = await shop.sell_by_prompt(phone("43"), PRICE)
    await shop.sale_becomes(sale["id"], "payment_failed")
    cash = {"method": "cash", "amount_cents": PRICE, "received_cents": PRICE}
    await shop.post(f"/sales/{sale['id']}/payments", cash)
    await stack.simulator.control.advance(120)

    async def tray() -> Any:
        return (await shop.get("/unclaimed"))["data"]

    rows = await until(tray)
    assert [(row["reason"], row["amount_cents"]) for row in rows] == [("sale_not_open", PRICE)]
    books = await shop.balances()
    assert (books["cash"], books["mpesa"], books["mpesa_unclaimed"]) == (PRICE, PRICE, -PRICE)
    await everything_holds(shop)


async def test_tokens_bought_by_prompt_are_credited_once_and_booked_by_the_platform(stack: Stack) -> None:
    shop = await stack.make_shop()
    before = (await shop.get("/tokens"))["balance"]
    platform = (await stack.balances(PLATFORM_BUSINESS_ID))["mpesa"]
    purchase = await shop.post("/tokens/purchases", {"package": 70, "phone": phone("42")})
    assert purchase["price_cents"] == 10_000

    async def credited() -> Any:
        return (await shop.get("/tokens"))["balance"] == before + 70

    await until(credited)

    async def booked() -> Any:
        return (await stack.balances(PLATFORM_BUSINESS_ID))["mpesa"] == platform + 10_000

    await until(booked)
    assert (await shop.get("/tokens"))["balance"] == before + 70
    assert (await shop.balances())["mpesa"] == 0
    await everything_holds(shop)


async def test_the_callbacks_door_takes_only_what_it_should(stack: Stack) -> None:
    shop = await stack.make_shop()
    number = phone("82")
    sale = await shop.sell_by_prompt(number, PRICE)
    await shop.payment_becomes(sale["payments"][0]["id"], "pending")
    url = (await pushes(stack, number))[0]["callback_url"].removeprefix(stack.base_url)
    counted = "select count(*) from callback_inbox where business_id = $1"

    async def send(path: str, body: bytes) -> int:
        answer = await shop.http.post(path, content=body, headers={"Content-Type": "application/json"})
        return answer.status_code

    assert await send("/d/" + "0" * 64 + "/stk", b"{}") == 404
    assert await send(url.replace("/stk", "/c2b"), b"{}") == 404
    assert await send(url, b'{"x":"' + b"a" * (64 << 10) + b'"}') == 413
    assert (await shop.rows(counted))[0]["count"] == 0
    assert await send(url, b"this is not JSON") == 200
    assert (await shop.rows(counted))[0]["count"] == 1

    async def kept() -> Any:
        rows = await shop.rows("select state from callback_inbox where business_id = $1")
        return rows[0]["state"] == "malformed"

    await until(kept)
    assert (await shop.get(f"/payments/{sale['payments'][0]['id']}"))["status"] == "pending"
