"""Another amount paid than the prompt asked for, whose callback was lost: a query credited what was asked, and it counts once."""

import asyncio
from datetime import timedelta

import pytest

from payme.features.payments.enums import Effect, Outcome, Source
from payme.features.payments.errors import PromptMayOwnIt
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.claim_money import Destination, claim_unclaimed
from payme.features.payments.services.conclude_check import conclude_check
from payme.kit.ids import new_id
from tests.payment_room import Till, stk_callback
from tests.payment_wall import HASHED, MASKED, OTHER_MASKED, Wall

PAID = Message(Source.QUERY, Outcome.PAID)


async def broken_but_held(shop: Till) -> list[str]:
    """Return what does not hold of the money; the purposes of these payments are no sales, so nothing is held for one."""
    return [each for each in await shop.broken(1, 5, 6, 7) if not each.startswith("Money held ")]


@pytest.mark.parametrize("number", [MASKED, HASHED])
@pytest.mark.parametrize("query_first", [True, False])
@pytest.mark.parametrize(
    ("amount", "books"),
    [
        ("140.00", {"mpesa": 14_000, "mpesa_to_confirm": 1_000, "payments_held": -15_000}),
        ("160.00", {"mpesa": 16_000, "mpesa_unclaimed": -1_000, "payments_held": -15_000}),
    ],
)
async def test_what_a_query_credited_is_counted_once_where_another_amount_was_paid(
    shop: Till, till_wall: Wall, *, amount: str, books: dict[str, int], query_first: bool, number: str
) -> None:
    payment_id, _, _ = await shop.sent()
    if query_first:
        await shop.run(lambda uow: conclude_check(uow, payment_id, PAID))
    receipt = await till_wall.told(amount, MSISDN=number)
    if not query_first:
        await shop.run(lambda uow: conclude_check(uow, payment_id, PAID))
    await till_wall.told(amount, MSISDN=number, TransID=receipt)
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.mpesa_receipt_number) == ("succeeded", receipt)
    assert await shop.balances() == books
    assert Effect.AMOUNT_CORRECTED in await shop.effects(payment_id)
    assert await broken_but_held(shop) == []


@pytest.mark.parametrize(
    "case", ["two_prompts", "too_late", "before", "anothers_number", "not_believed", "open_prompt"]
)
@pytest.mark.parametrize("query_first", [True, False])
async def test_in_doubt_another_amount_than_a_query_credited_waits_for_a_person(
    shop: Till, till_wall: Wall, *, case: str, query_first: bool
) -> None:
    payment_id, _, _ = await shop.sent()
    twins = [(await shop.sent(20_000))[0]] if case in {"two_prompts", "open_prompt"} else []
    asked = [payment_id, *(twins if case == "two_prompts" else [])]
    at = shop.clock.now() + timedelta(hours=3, minutes={"too_late": 11, "before": -2}.get(case, 0))
    if query_first:
        for each in asked:
            await shop.run(lambda uow, each=each: conclude_check(uow, each, PAID))
    receipt = await till_wall.told(
        "80000" if case == "not_believed" else "140", MSISDN=OTHER_MASKED if case == "anothers_number" else MASKED,
        TransTime=at.strftime("%Y%m%d%H%M%S"),
    )  # fmt: skip
    if not query_first:
        for each in reversed(asked):
            await shop.run(lambda uow, each=each: conclude_check(uow, each, PAID))
    assert (await shop.payment(payment_id)).mpesa_receipt_number is None
    sql = "select mpesa_receipt_number, state from unclaimed_money where business_id = $1"
    assert await shop.rows(sql) == [(receipt, "unclaimed")]
    assert await broken_but_held(shop) == []


async def test_of_two_credited_prompts_the_whole_number_gives_each_its_own(shop: Till, till_wall: Wall) -> None:
    prompts = {amount: (await shop.sent(amount))[0] for amount in (15_000, 240_000)}
    for payment_id in prompts.values():
        await shop.run(lambda uow, payment_id=payment_id: conclude_check(uow, payment_id, PAID))
    receipts = {
        asked: await till_wall.told(paid, MSISDN=HASHED) for asked, paid in ((240_000, "2300"), (15_000, "140"))
    }
    found = {asked: (await shop.payment(each)).mpesa_receipt_number for asked, each in prompts.items()}
    assert found == receipts
    assert (await shop.balances())["mpesa"] == 244_000
    assert await broken_but_held(shop) == []


async def test_the_money_of_an_open_prompt_is_not_given_away_whatever_its_amount(shop: Till, till_wall: Wall) -> None:
    payment_id, token, checkout_id = await shop.sent()
    await till_wall.told("140", MSISDN=MASKED)
    ((row,),) = await shop.rows("select id from unclaimed_money where business_id = $1")
    give = Destination("sale", new_id())
    with pytest.raises(PromptMayOwnIt):
        await shop.run(lambda uow: claim_unclaimed(uow, row, give))
    assert await shop.rows("select 1 from payments where business_id = $1 and method = 'mpesa_c2b'") == []
    await shop.call_back(token, stk_callback(checkout_id, code=1032), shortcode="5651201")
    assert (await shop.run(lambda uow: claim_unclaimed(uow, row, give))).amount_cents == 14_000
    assert (await shop.payment(payment_id)).status == "failed"


async def test_a_query_and_a_notice_at_once_count_the_money_once(shop: Till, till_wall: Wall) -> None:
    for _ in range(8):
        shop.clock.advance(timedelta(minutes=15))
        payment_id, _, _ = await shop.sent()
        _, receipt = await asyncio.gather(
            shop.run(lambda uow, each=payment_id: conclude_check(uow, each, PAID)),
            till_wall.told("140", MSISDN=MASKED),
        )
        assert (await shop.payment(payment_id)).mpesa_receipt_number == receipt
    assert {state for _, _, state in await shop.tray()} <= {"matched"}
    assert (await shop.balances())["mpesa"] == 8 * 14_000
    assert await broken_but_held(shop) == []


@pytest.mark.parametrize("query_first", [True, False])
async def test_money_that_names_another_account_than_the_prompts_is_not_the_prompts(
    shop: Till, wall: Wall, *, query_first: bool
) -> None:
    payment_id, _, _ = await shop.sent()
    if query_first:
        await shop.run(lambda uow: conclude_check(uow, payment_id, PAID))
    await wall.told("140", MSISDN=HASHED, BillRefNumber="rent")
    if not query_first:
        await shop.run(lambda uow: conclude_check(uow, payment_id, PAID))
    assert (await shop.payment(payment_id)).mpesa_receipt_number is None
    assert await shop.tray() == [("no_match", 14_000, "unclaimed")]


async def test_between_two_payments_of_other_amounts_nobody_chooses(shop: Till, till_wall: Wall) -> None:
    payment_id, _, _ = await shop.sent()
    for amount in ("140", "130"):
        await till_wall.told(amount, MSISDN=HASHED)
    await shop.run(lambda uow: conclude_check(uow, payment_id, PAID))
    assert (await shop.payment(payment_id)).mpesa_receipt_number is None
    assert sorted(await shop.tray()) == [("no_match", 13_000, "unclaimed"), ("no_match", 14_000, "unclaimed")]


async def test_the_exact_amount_of_two_prompts_is_no_third_ones(shop: Till, till_wall: Wall) -> None:
    credited, _, _ = await shop.sent(20_000)
    await shop.run(lambda uow: conclude_check(uow, credited, PAID))
    for _ in range(2):
        await shop.sent()
    await till_wall.told("150", MSISDN=HASHED)
    assert (await shop.payment(credited)).mpesa_receipt_number is None
    assert await shop.tray() == [("no_match", 15_000, "unclaimed")]
