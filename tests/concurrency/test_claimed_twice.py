"""One receipt that two tills claim at the same moment, and one order that two people agree to: each counts once.

Every pair runs on connections of its own, and several pairs at a time.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from payme.features import approvals
from payme.features.businesses.schemas import ChangeBusiness
from payme.features.businesses.services import change_business
from payme.features.identity import Proven, Role
from payme.features.payments.enums import Source
from payme.features.payments.schemas import PayoutView
from payme.features.payments.services.place_money import Arrival, place_money
from payme.features.sales.schemas.sales import ClaimMoney, SaleView
from payme.features.sales.services.claim_money import claim_money
from payme.kit.errors import DomainError
from tests.fault_rows import FULL, FaultRow
from tests.faults.mpesa import SHORTCODE
from tests.faults.payouts import AMOUNT, LIMITS, asked_for
from tests.faults.prompts import PRICE, SHELF, PromptShop, at_most, open_prompt_shop
from tests.invariants import assert_invariants
from tests.payment_room import a_receipt
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, stk

PAIRS_AT_ONCE = 5
PARTS = 50
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 120)]


@pytest_asyncio.fixture
async def shop(make_database: Callable[..., Awaitable[str]]) -> AsyncIterator[PromptShop]:
    """A shop with two tills' worth of connections for every pair, whose people are trusted with much."""
    async with open_prompt_shop(await make_database(), connections=2 * PAIRS_AT_ONCE + 2) as opened:
        trust = ChangeBusiness(claim_limit_cents=1_000_000_000)
        await opened.trade.run(lambda uow: change_business(uow, trust))
        yield opened


async def ends(work: Callable[[], Awaitable[Any]]) -> str:
    """Run work and say how it ended: "done", or the refusal's code."""
    try:
        await work()
    except DomainError as refusal:
        return refusal.code
    return "done"


async def both(first: Callable[[], Awaitable[Any]], second: Callable[[], Awaitable[Any]]) -> Counter[str]:
    """Run two pieces of work at the same moment, and count how they ended."""
    return Counter(await asyncio.gather(ends(first), ends(second)))


@pytest.mark.fault_row(8)
async def test_of_two_tills_that_claim_the_same_money_one_gets_it(shop: PromptShop, row: FaultRow) -> None:
    count = row.size(100, 1_000)
    tills = [shop.trade.acting(Role.CASHIER), shop.trade.acting(Role.MANAGER)]
    # Each sells something else, so that no lock of the goods makes one wait for the other.
    other = await make_product(shop.trade, price_cents=PRICE)
    await receive(shop.trade, other, str(SHELF), SHELF * 100)

    async def race(sales: list[SaleView]) -> Counter[str]:
        row_id = await lying(shop)
        claims = [
            partial(claim, till, row_id, ClaimMoney(purpose="sale", purpose_id=sale.id))
            for till, sale in zip(tills, sales, strict=True)
        ]
        return await both(*claims)

    said = list[Counter[str]]()
    for _ in range(count // PARTS):
        quantity = PARTS + 1  # so that no part completes the sale
        sales = [
            await shop.trade.sell((each, quantity), tenders=[stk(PRICE * quantity)]) for each in (shop.product, other)
        ]
        said += await at_most(PAIRS_AT_ONCE, [partial(race, sales)] * PARTS)
    codes = Counter(code for each in said for code in each.elements())
    assert all(each["done"] == 1 for each in said), codes
    assert codes == {"done": count, "payments.already_claimed": count}
    sql = "select count(*), count(distinct claimed_as), min(state), max(state) from unclaimed_money where business_id = $1"
    assert await shop.trade.rows(sql) == [(count, count, "claimed", "claimed")]
    paid = await shop.trade.value("select sum(paid_cents)::bigint from sales where business_id = $1")
    assert paid == count * PRICE
    await assert_invariants(shop.trade.database, shop.business_id)
    row.counts.update({"sent": 2 * count, "applied": count, "refused": count})


async def claim(till: TradingShop, row_id: UUID, command: ClaimMoney) -> SaleView:
    return await till.run(lambda uow: claim_money(uow, row_id, command))


async def lying(shop: PromptShop) -> UUID:
    """Have money that nobody awaits come; return its row in the tray."""
    receipt = a_receipt()
    arrival = Arrival(Source.C2B, receipt, PRICE, SHORTCODE, [SHORTCODE], payer_number="2541 ***** 999")
    await shop.trade.run(lambda uow: place_money(uow, arrival))
    sql = "select id from unclaimed_money where business_id = $1 and mpesa_receipt_number = $2"
    return await shop.trade.value(sql, receipt)


@pytest.mark.fault_row(8)
async def test_of_two_tills_that_sell_on_the_same_code_one_does(shop: PromptShop, row: FaultRow) -> None:
    count = row.size(50, 1_000)
    tills = [shop.trade.acting(Role.MANAGER), shop.trade.acting(Role.MANAGER)]

    async def race(*, in_tray: bool) -> Counter[str]:
        receipt = a_receipt()
        if in_tray:
            arrival = Arrival(Source.C2B, receipt, PRICE, SHORTCODE, [SHORTCODE], payer_number="2541 ***** 999")
            await shop.trade.run(lambda uow: place_money(uow, arrival))
        tender = {"method": "mpesa_claim", "amount_cents": PRICE, "mpesa_receipt_number": receipt}
        return await both(*[partial(till.sell, shop.product, tenders=[tender]) for till in tills])

    races = [partial(race, in_tray=number % 2 == 0) for number in range(count)]
    said = await at_most(PAIRS_AT_ONCE, races)
    codes = Counter(code for each in said for code in each.elements())
    assert all(each["done"] == 1 for each in said), codes
    assert set(codes) <= {"done", "payments.already_claimed", "payments.receipt_used"}, codes
    ends_of_sales = Counter(await shop.trade.rows("select status from sales where business_id = $1"))
    assert ends_of_sales == {("completed",): count}
    stock = await shop.trade.rows("select reserved from stock_levels where business_id = $1")
    assert stock == [(0,)]
    await assert_invariants(shop.trade.database, shop.business_id)
    row.counts.update(sent=2 * count, applied=count, refused=count)


@pytest.mark.fault_row(8)
async def test_an_order_that_is_agreed_to_twice_is_ordered_once(shop: PromptShop, row: FaultRow) -> None:
    count = row.size(20, 200)
    await shop.trade.run(lambda uow: change_business(uow, LIMITS))
    first, second = shop.trade.acting(Role.MANAGER), shop.trade.acting(Role.OWNER)

    async def race(number: int) -> Counter[str]:
        payout = await asked_for(shop)
        people = (first, second) if number % 2 else (first, first)
        return await both(*[partial(agree_as, each, payout) for each in people])

    said = await at_most(PAIRS_AT_ONCE, [partial(race, number) for number in range(count)])
    # The same person may say the same again.
    assert {str(dict(each)) for each in said[::2]} == {"{'done': 2}"}
    assert {(each["done"], each["approvals.already_decided"]) for each in said[1::2]} == {(1, 1)}
    await shop.worker.run_for(timedelta(seconds=5), tick=timedelta(seconds=1))
    ordered = Counter(each["OriginatorConversationID"] for each in shop.script.orders)
    assert (len(ordered), set(ordered.values())) == (count, {1})
    assert {each["Amount"] for each in shop.script.orders} == {str(AMOUNT // 100)}
    await shop.sound()
    row.counts.update(sent=2 * count, applied=count)


async def agree_as(person: TradingShop, payout: PayoutView) -> None:
    """Have a person agree to an order."""
    approval_id = payout.approval_id
    assert approval_id is not None, "an order waits for somebody's word"
    proven = Proven(business_id=person.business_id, user_id=person.actor.id)
    await person.run(lambda uow: approvals.approve(uow, approval_id, proven=proven))
