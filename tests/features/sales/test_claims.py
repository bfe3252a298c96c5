"""Money that came by itself and money on a cashier's word: given to a sale once, and proved or shown."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from payme.features.businesses.schemas import ChangeBusiness
from payme.features.businesses.services import change_business
from payme.features.identity import Role
from payme.features.payments import (
    AlreadyClaimed,
    ClaimLimit,
    MoneyInDispute,
    NotVerifiedYet,
    PromptMayOwnIt,
    ReceiptAmountDiffers,
    ReceiptInvalid,
    ReceiptUsed,
    UnclaimedNotFound,
    WholeShillings,
)
from payme.features.payments.enums import Effect, Outcome, Source
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.place_money import Arrival, place_money
from payme.features.sales import SaleView, errors
from payme.features.sales.schemas.sales import ClaimMoney, Suggestion
from payme.features.sales.services.claim_money import claim_money, list_suggestions
from payme.kit.ids import new_id
from payme.kit.phone import hash_of
from tests.invariants import assert_invariants
from tests.stock_room import level, make_product, receive
from tests.trade import TradingShop, cash, new_receipt, stk
from tests.unchanged import refused

PRICE = 10_000
NUMBER, STRANGER = hash_of("254712345600"), "2547 ***** 999"


@pytest.fixture
async def tea(shop: TradingShop) -> Any:
    product = await make_product(shop, price_cents=PRICE, vat_class="C")
    await receive(shop, product, "50", 200_000)
    return product


@pytest.fixture(autouse=True)
async def sound_at_the_end(shop: TradingShop):
    yield
    await assert_invariants(shop.database, shop.business_id)


def claim(amount_cents: int, receipt: str, **more: Any) -> dict[str, Any]:
    return {"method": "mpesa_claim", "amount_cents": amount_cents, "mpesa_receipt_number": receipt, **more}


async def arrives(
    shop: TradingShop,
    amount_cents: int,
    *,
    reference: str = "",
    receipt: str = "",
    number: str = STRANGER,
    source: Source = Source.C2B,
) -> Effect:
    """Have money come by itself, and hear of it."""
    arrival = Arrival(
        source=source, receipt=receipt or new_receipt(), amount_cents=amount_cents, shortcode="174379", shortcodes=["174379"],
        payer_name="JOHN", payer_number=number, bill_reference=reference,
    )  # fmt: skip
    effect = await shop.run(lambda uow: place_money(uow, arrival))
    await shop.hear()
    return effect


async def in_tray(shop: TradingShop) -> list[UUID]:
    sql = "select id from unclaimed_money where business_id = $1 and state = 'unclaimed' order by received_at, id"
    return [row[0] for row in await shop.rows(sql)]


async def give(shop: TradingShop, unclaimed_id: UUID, sale_id: UUID) -> SaleView:
    command = ClaimMoney(purpose="sale", purpose_id=sale_id)
    return await shop.run(lambda uow: claim_money(uow, unclaimed_id, command))


async def unpaid(shop: TradingShop, tea: UUID, quantity: int = 1) -> SaleView:
    """Leave a sale whose prompt was refused."""
    sale = await shop.sell((tea, quantity), tenders=[stk(PRICE * quantity)])
    await shop.fails(sale.payments[0].id)
    return await shop.sale(sale.id)


async def test_money_in_the_tray_completes_the_sale_that_a_person_names(shop: TradingShop, tea: Any):
    sale = await unpaid(shop, tea)
    receipt = new_receipt()
    await arrives(shop, PRICE, receipt=receipt)
    done = await give(shop, (await in_tray(shop))[0], sale.id)
    assert (done.status, done.paid_cents, done.cost_cents) == ("completed", PRICE, 4_000)
    paid = done.payments[-1]
    assert (paid.method, paid.status, paid.assurance, paid.settlement, paid.mpesa_receipt_number) == (
        "mpesa_c2b", "succeeded", "confirmed", "applied", receipt,
    )  # fmt: skip
    balances = await shop.balances()
    assert (balances["mpesa"], balances["sales_revenue"], balances.get("mpesa_unclaimed")) == (PRICE, -PRICE, None)
    assert await in_tray(shop) == []


async def test_less_is_a_part_payment_and_of_more_the_excess_stays(shop: TradingShop, tea: Any):
    sale = await unpaid(shop, tea, 2)
    for amount in (15_000, 9_000):
        await arrives(shop, amount)
    first, second = await in_tray(shop)
    part = await give(shop, first, sale.id)
    assert (part.status, part.paid_cents) == ("awaiting_payment", 15_000)
    assert (await level(shop, tea))[1] == 2
    done = await give(shop, second, sale.id)
    assert (done.status, done.paid_cents) == ("completed", 20_000)
    assert await shop.unclaimed() == [(4_000, "sale_not_open")]
    other = await unpaid(shop, tea)
    (rest,) = await in_tray(shop)
    assert (await give(shop, rest, other.id)).paid_cents == 4_000


async def test_a_receipt_number_typed_as_the_account_pays_its_sale(shop: TradingShop, tea: Any):
    sale = await unpaid(shop, tea)
    till, number = sale.receipt_number.split("-")
    assert await arrives(shop, PRICE, reference=f" {till.lower()} {int(number)} ") is Effect.UNCLAIMED
    done = await shop.sale(sale.id)
    assert (done.status, done.payments[-1].method) == ("completed", "mpesa_c2b")
    assert await in_tray(shop) == []


@pytest.mark.parametrize("case", ["other_amount", "completed", "above_limit", "unknown"])
async def test_what_a_reference_names_takes_no_other_money_by_itself(shop: TradingShop, tea: Any, case: str):
    sale = await unpaid(shop, tea)
    amount, reference = PRICE, sale.receipt_number
    if case == "other_amount":
        amount = PRICE - 100
    if case == "completed":
        await shop.pay(sale.id, **cash(PRICE))
    if case == "above_limit":
        await shop.run(lambda uow: change_business(uow, ChangeBusiness(verify_above_cents=PRICE - 1)))
    if case == "unknown":
        reference = "ZZ-000001"
    before = (await shop.sale(sale.id)).model_dump()
    await arrives(shop, amount, reference=reference)
    assert (await shop.sale(sale.id)).model_dump() == before
    assert await shop.unclaimed() == [(amount, "no_match")]


async def test_money_for_a_sale_that_was_cancelled_or_expired_lies_in_the_tray(shop: TradingShop, tea: Any):
    cancelled = await unpaid(shop, tea)
    await shop.cancel(cancelled.id)
    await shop.paid(cancelled.payments[0].id, PRICE)
    expired = await shop.sell(tea, tenders=[stk(PRICE)])
    payment_id = expired.payments[0].id
    await shop.accept(payment_id)
    await shop.say(payment_id, Message(Source.CALLBACK, Outcome.FAILED, reason="expired", result_code="1019"))
    assert (await shop.sale(expired.id)).status == "expired"
    await shop.paid(payment_id, PRICE)
    assert await shop.unclaimed() == [(PRICE, "sale_not_open")] * 2
    assert [(await shop.sale(each.id)).status for each in (cancelled, expired)] == ["cancelled", "expired"]
    cancelled_row, expired_row = await in_tray(shop)
    assert (await give(shop, expired_row, expired.id)).status == "completed"
    await refused(shop, errors.SaleNotOpen, lambda: give(shop, cancelled_row, cancelled.id))


async def test_money_is_claimed_once(shop: TradingShop, tea: Any):
    sales = [await unpaid(shop, tea) for _ in range(2)]
    await arrives(shop, PRICE)
    (row,) = await in_tray(shop)
    await give(shop, row, sales[0].id)
    await refused(shop, AlreadyClaimed, lambda: give(shop, row, sales[1].id))
    await refused(shop, UnclaimedNotFound, lambda: give(shop, new_id(), sales[1].id))
    await refused(shop, errors.SaleNotFound, lambda: give(shop, row, new_id()))
    await refused(shop, errors.SaleNotOpen, lambda: give(shop, row, sales[0].id))


async def test_another_shop_sees_none_of_it(shop: TradingShop, other_shop: TradingShop, tea: Any):
    product = await make_product(other_shop, price_cents=PRICE, vat_class="C")
    await receive(other_shop, product, "5", 20_000)
    theirs = await unpaid(other_shop, product)
    await arrives(shop, PRICE)
    (row,) = await in_tray(shop)
    await refused(other_shop, UnclaimedNotFound, lambda: give(other_shop, row, theirs.id))
    await refused(shop, errors.SaleNotFound, lambda: give(shop, row, theirs.id))


async def test_what_a_notice_alone_is_not_believed_for_waits_for_m_pesas_answer(shop: TradingShop, tea: Any):
    sale = await unpaid(shop, tea)
    await shop.run(lambda uow: change_business(uow, ChangeBusiness(verify_above_cents=PRICE - 1)))
    receipt = new_receipt()
    await arrives(shop, PRICE, receipt=receipt)
    (row,) = await in_tray(shop)
    await refused(shop, NotVerifiedYet, lambda: give(shop, row, sale.id))
    await arrives(shop, PRICE - 100, receipt=receipt, source=Source.PULL)
    await refused(shop, NotVerifiedYet, lambda: give(shop, row, sale.id))
    await arrives(shop, PRICE, receipt=receipt, source=Source.PULL)
    assert (await give(shop, row, sale.id)).status == "completed"


async def test_the_money_of_an_open_prompt_is_not_given_away(shop: TradingShop, tea: Any):
    waiting = [await shop.sell(tea, tenders=[stk(PRICE)]) for _ in range(2)]
    for each in waiting:
        await shop.accept(each.payments[0].id)
        await shop.database.run(
            lambda uow, p=each.payments[0].id: uow.execute(
                "update payments set shortcode = '174379', sent_at = now() where business_id = $1 and id = $2",
                uow.tenant,
                p,
            ),
            business_id=shop.business_id,
        )
    other = await unpaid(shop, tea)
    receipt = new_receipt()
    await arrives(shop, PRICE, number=NUMBER, receipt=receipt)
    (row,) = await in_tray(shop)
    await refused(shop, PromptMayOwnIt, lambda: give(shop, row, other.id))
    for tender in (claim(PRICE, receipt),):
        await refused(shop, PromptMayOwnIt, lambda t=tender: shop.pay(other.id, **t))
    for each in waiting:
        await shop.fails(each.payments[0].id)
    assert (await give(shop, row, other.id)).status == "completed"


async def test_disputed_money_is_not_given_away(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.accept(sale.payments[0].id)
    await shop.paid(sale.payments[0].id, PRICE - 100)
    other = await unpaid(shop, tea)
    (row,) = await in_tray(shop)
    await refused(shop, MoneyInDispute, lambda: give(shop, row, other.id))


async def test_two_tills_that_claim_the_same_money_get_it_once(shop: TradingShop, tea: Any):
    sales = [await unpaid(shop, tea) for _ in range(2)]
    for _ in range(20):
        await arrives(shop, 100)
    rows = await in_tray(shop)
    tries = [give(shop, row, sale.id) for row in rows for sale in sales]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert [isinstance(each, SaleView) for each in results].count(True) == len(rows)
    assert all(isinstance(each, SaleView | AlreadyClaimed) for each in results)
    paid = [(await shop.sale(sale.id)).paid_cents for sale in sales]
    assert sum(paid) == 100 * len(rows)


# -- a cashier's word


async def test_a_code_that_lies_in_the_tray_is_confirmed_at_once(shop: TradingShop, tea: Any):
    receipt = new_receipt()
    await arrives(shop, PRICE, receipt=receipt)
    sale = await shop.sell(tea, tenders=[claim(PRICE, f" {receipt.lower()} ")])
    assert (sale.status, sale.payments[0].method, sale.payments[0].assurance) == ("completed", "mpesa_c2b", "confirmed")
    assert (await in_tray(shop), (await shop.balances())["mpesa"]) == ([], PRICE)


async def test_a_code_that_nobody_has_heard_of_is_believed_and_stands_apart(shop: TradingShop, tea: Any):
    receipt = new_receipt()
    sale = await shop.sell((tea, 2), tenders=[claim(15_000, receipt), cash(5_000)])
    paid = (await shop.sale(sale.id)).payments[0]
    assert (sale.status, paid.method, paid.assurance, paid.verdict) == (
        "completed",
        "mpesa_claim",
        "claimed",
        "waiting",
    )
    balances = await shop.balances()
    assert (balances["mpesa_to_confirm"], balances["cash"], balances["sales_revenue"]) == (15_000, 5_000, -20_000)
    assert await arrives(shop, 15_000, receipt=receipt) is Effect.VERIFIED
    assert await arrives(shop, 15_000, receipt=receipt) is Effect.DUPLICATE
    paid = (await shop.sale(sale.id)).payments[0]
    assert (paid.assurance, paid.verdict) == ("confirmed", "verified")
    balances = await shop.balances()
    assert (balances["mpesa"], balances.get("mpesa_to_confirm")) == (15_000, None)


@pytest.mark.parametrize(
    ("came", "verdict", "assurance", "books"),
    [
        (9_000, "amount_differs", "claimed", {"mpesa": 9_000, "mpesa_to_confirm": 1_000}),
        (12_000, "verified", "confirmed", {"mpesa": 12_000, "mpesa_unclaimed": -2_000}),
    ],
)
async def test_another_amount_than_claimed_is_shown(
    shop: TradingShop, tea: Any, came: int, verdict: str, assurance: str, books: dict[str, int]
):
    receipt = new_receipt()
    sale = await shop.sell(tea, tenders=[claim(PRICE, receipt)])
    await arrives(shop, came, receipt=receipt)
    paid = (await shop.sale(sale.id)).payments[0]
    assert (paid.verdict, paid.assurance) == (verdict, assurance)
    balances = await shop.balances()
    assert {each: amount for each, amount in balances.items() if each.startswith("mpesa")} == books


@pytest.mark.parametrize("channel", ["pochi", "send_money"])
async def test_what_tells_only_the_owners_phone_stays_declared(shop: TradingShop, tea: Any, channel: str):
    sale = await shop.sell(tea, tenders=[claim(PRICE, new_receipt(), channel=channel)])
    paid = (await shop.sale(sale.id)).payments[0]
    assert (paid.assurance, paid.verdict) == ("declared", "declared")


async def test_a_code_is_used_once(shop: TradingShop, other_shop: TradingShop, tea: Any):
    receipt = new_receipt()
    await shop.sell(tea, tenders=[claim(PRICE, receipt)])
    await refused(shop, ReceiptUsed, lambda: shop.sell(tea, tenders=[claim(PRICE, receipt)]))
    paid_by_prompt = new_receipt()
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.paid(sale.payments[0].id, PRICE, receipt=paid_by_prompt)
    await refused(shop, ReceiptUsed, lambda: shop.sell(tea, tenders=[claim(PRICE, paid_by_prompt)]))
    taken = new_receipt()
    await arrives(shop, PRICE, receipt=taken)
    await shop.sell(tea, tenders=[claim(PRICE, taken)])
    await refused(shop, AlreadyClaimed, lambda: shop.sell(tea, tenders=[claim(PRICE, taken)]))


async def test_a_word_about_another_shops_receipt_takes_nothing_from_it(
    shop: TradingShop, other_shop: TradingShop, tea: Any
):
    receipt = new_receipt()
    sale = await shop.sell(tea, tenders=[claim(PRICE, receipt)])
    await arrives(other_shop, PRICE, receipt=receipt)
    assert await other_shop.unclaimed() == [(PRICE, "no_match")]
    assert await arrives(shop, PRICE, receipt=receipt) is Effect.RECEIPT_TAKEN
    assert (await shop.sale(sale.id)).payments[0].verdict == "already_used"
    assert (await shop.balances())["mpesa_to_confirm"] == PRICE


@pytest.mark.parametrize("receipt", ["UKM8RT2K1", "UKM0000000", "UKM8RT2-1P"])
async def test_a_code_has_a_form(shop: TradingShop, tea: Any, receipt: str):
    await refused(shop, ReceiptInvalid, lambda: shop.sell(tea, tenders=[claim(PRICE, receipt)]))


async def test_a_claim_is_in_whole_shillings_and_of_the_amount_that_came(shop: TradingShop, tea: Any):
    receipt = new_receipt()
    await refused(shop, WholeShillings, lambda: shop.sell(tea, tenders=[claim(9_950, receipt), cash(50)]))
    await arrives(shop, PRICE - 100, receipt=receipt)
    await refused(shop, ReceiptAmountDiffers, lambda: shop.sell(tea, tenders=[claim(PRICE, receipt)]))


async def test_each_cashier_is_believed_up_to_a_limit_a_day(shop: TradingShop, tea: Any):
    await shop.run(lambda uow: change_business(uow, ChangeBusiness(claim_limit_cents=2 * PRICE)))
    till = shop.acting(Role.CASHIER)
    confirmed = new_receipt()
    await till.sell(tea, tenders=[claim(PRICE, confirmed)])
    await till.sell(tea, tenders=[claim(PRICE, new_receipt())])
    await refused(till, ClaimLimit, lambda: till.sell(tea, tenders=[claim(PRICE, new_receipt())]))
    await shop.acting(Role.CASHIER).sell(tea, tenders=[claim(PRICE, new_receipt())])
    await arrives(shop, PRICE, receipt=confirmed)
    await till.sell(tea, tenders=[claim(PRICE, new_receipt())])


async def test_the_limit_holds_under_claims_at_once(shop: TradingShop, tea: Any):
    await shop.run(lambda uow: change_business(uow, ChangeBusiness(claim_limit_cents=3 * PRICE)))
    till = shop.acting(Role.CASHIER)
    results = await asyncio.gather(
        *(till.sell(tea, tenders=[claim(PRICE, new_receipt())]) for _ in range(12)), return_exceptions=True
    )
    assert [isinstance(each, SaleView) for each in results].count(True) == 3
    assert [isinstance(each, ClaimLimit) for each in results].count(True) == 9


async def test_who_paid_by_hand_need_not_wait_for_the_prompt(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    payment_id = sale.payments[0].id
    await shop.say(payment_id, Message(Source.ACCEPTANCE, Outcome.UNKNOWN))
    receipt = new_receipt()
    done = await shop.pay(sale.id, **claim(PRICE, receipt))
    assert done.status == "completed"
    prompt = next(each for each in (await shop.sale(sale.id)).payments if each.id == payment_id)
    assert (prompt.status, prompt.reason_code) == ("failed", "claimed_elsewhere")
    # The prompt had reached the customer after all, and the code was its own.
    decision = await shop.paid(payment_id, PRICE, receipt=receipt)
    assert decision.effect is Effect.CLAIMED_ELSEWHERE
    await shop.say(payment_id, Message(Source.QUERY, Outcome.PAID))
    view = await shop.sale(sale.id)
    assert [(each.method, each.status) for each in view.payments] == [
        ("mpesa_stk", "failed"),
        ("mpesa_claim", "succeeded"),
    ]
    assert view.payments[1].verdict == "verified"
    assert (await shop.balances())["mpesa"] == PRICE
    assert await shop.unclaimed() == []


async def test_both_the_prompt_and_the_hand_paid(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    payment_id = sale.payments[0].id
    await shop.accept(payment_id)
    await shop.pay(sale.id, **claim(PRICE, new_receipt()))
    await shop.paid(payment_id, PRICE)
    assert await shop.unclaimed() == [(PRICE, "sale_not_open")]


async def test_a_claimed_part_of_a_cancelled_sale_lies_in_the_tray_until_it_is_proved(shop: TradingShop, tea: Any):
    receipt = new_receipt()
    sale = await shop.sell(tea, tenders=[claim(4_000, receipt), stk(6_000)])
    await shop.fails(sale.payments[1].id)
    await shop.cancel(sale.id)
    assert await shop.unclaimed() == [(4_000, "sale_not_open")]
    other = await unpaid(shop, tea)
    (row,) = await in_tray(shop)
    await refused(shop, MoneyInDispute, lambda: give(shop, row, other.id))
    await arrives(shop, 4_000, receipt=receipt)
    assert (await give(shop, row, other.id)).paid_cents == 4_000


async def test_a_code_sold_on_and_the_same_money_claimed_wait_for_each_other_in_one_order(shop: TradingShop, tea: Any):
    retries = shop.database.retries
    for _ in range(10):
        sale, receipt = await unpaid(shop, tea), new_receipt()
        await arrives(shop, PRICE, receipt=receipt)
        (row,) = await in_tray(shop)
        both = await asyncio.gather(
            give(shop, row, sale.id), shop.sell(tea, tenders=[claim(PRICE, receipt)]), return_exceptions=True
        )
        assert [isinstance(each, AlreadyClaimed) for each in both].count(True) == 1
        assert [isinstance(each, SaleView) for each in both].count(True) == 1
    assert shop.database.retries == retries, "two orders of locks deadlock, and one of them is tried again"


# -- suggestions


async def test_suggestions_name_what_fits_the_likeliest_first(shop: TradingShop, tea: Any):
    far, named, exact = [await unpaid(shop, tea, quantity) for quantity in (3, 2, 1)]
    await arrives(shop, PRICE, reference=named.receipt_number)
    (row,) = await in_tray(shop)
    found: Sequence[Suggestion] = await shop.run(lambda uow: list_suggestions(uow, row))
    assert {each.purpose_id for each in found} == {named.id, exact.id}
    assert {each.purpose_id: each.because for each in found} == {
        named.id: ["reference", "time"], exact.id: ["amount", "time"],
    }  # fmt: skip
    assert far.id not in {each.purpose_id for each in found}
