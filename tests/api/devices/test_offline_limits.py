"""Limits while offline: a fact beyond one is applied and looked at; the next contact begins a new count."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.invariants import assert_invariants
from tests.stock_room import make_product, receive
from tests.tills import Device
from tests.trade import TradingShop

pytestmark = pytest.mark.asyncio(loop_scope="session")
PRICE = 1_000_000


@pytest_asyncio.fixture(loop_scope="session")
async def fridge(shop: TradingShop) -> Any:
    """A product of KES 10,000 with fifty on hand."""
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "50", 100_000)
    return product


async def sold_by(till: Device, shop: TradingShop, *, sales: int, cents: int) -> None:
    """Have a till stand at so much that it sold since its last contact."""
    await shop.rows(
        """update sync_devices set offline_after = last_push_at, offline_sales = $3, offline_cents = $4
        where business_id = $1 and device_id = $2 returning 1""",
        till.id, sales, cents,
    )  # fmt: skip


async def test_a_fact_above_the_amount_of_a_sale_is_taken_and_looked_at(
    till: Device, shop: TradingShop, fridge: Any
) -> None:
    within, beyond = await till.results(
        till.sale((fridge, 2), total_cents=2 * PRICE), till.sale((fridge, 3), total_cents=3 * PRICE)
    )
    assert (within["status"], within["reasons"]) == ("applied", [])
    assert (beyond["status"], beyond["reasons"]) == ("needs_review", [f"offline_sale_beyond:{PRICE}"])
    assert beyond["result"]["total_cents"] == 3 * PRICE
    assert await shop.value("select count(*) from sales where business_id = $1") == 2
    await assert_invariants(shop.database, shop.business_id)


async def test_total_and_number_are_counted_over_the_batches_of_a_queue(
    till: Device, shop: TradingShop, fridge: Any
) -> None:
    queue = [till.sale((fridge, 1), total_cents=PRICE) for _ in range(3)]
    await sold_by(till, shop, sales=499, cents=20_000_000 - 2 * PRICE)
    (first,) = await till.results(queue[0])
    (second,) = await till.results(queue[1])
    (third,) = await till.results(queue[2])
    assert (first["status"], first["reasons"]) == ("applied", [])
    assert second["reasons"] == ["offline_sales_beyond:1"]
    assert third["reasons"] == [f"offline_total_beyond:{PRICE}", "offline_sales_beyond:2"]
    (again,) = await till.results(queue[2])
    assert again["is_repeated"]
    # What is sold after that contact is another time without one.
    (later,) = await till.results(till.sale((fridge, 1), total_cents=PRICE))
    assert (later["status"], later["reasons"]) == ("applied", [])
    counted = "select offline_sales, offline_cents from sync_devices where business_id = $1 and device_id = $2"
    assert await shop.rows(counted, till.id) == [(1, PRICE)]
    await assert_invariants(shop.database, shop.business_id)


async def test_batches_at_once_are_each_counted(till: Device, shop: TradingShop, fridge: Any) -> None:
    queue = [till.sale((fridge, 1), total_cents=PRICE) for _ in range(6)]
    await sold_by(till, shop, sales=497, cents=0)
    answers = await asyncio.gather(*(till.results(each) for each in queue))
    reasons = sorted(reason for (verdict,) in answers for reason in verdict["reasons"])
    assert reasons == ["offline_sales_beyond:1", "offline_sales_beyond:2", "offline_sales_beyond:3"]


async def test_a_fact_that_took_too_long_is_looked_at(till: Device, shop: TradingShop, fridge: Any) -> None:
    old = till.sale((fridge, 1), total_cents=PRICE)
    old["occurred_at"] = (till.now - timedelta(hours=75, minutes=30)).isoformat()
    (verdict,) = await till.results(old)
    assert (verdict["status"], verdict["reasons"]) == ("needs_review", ["occurred_long_ago", "offline_hours_beyond:3"])
    assert await shop.value("select count(*) from sales where business_id = $1") == 1


async def test_a_request_is_not_touched_by_the_limits(till: Device, shop: TradingShop, fridge: Any) -> None:
    await sold_by(till, shop, sales=500, cents=20_000_000)
    (verdict,) = await till.results(till.sale((fridge, 3), total_cents=3 * PRICE, handed_over=False))
    assert (verdict["status"], verdict["reasons"]) == ("applied", [])
    counted = "select offline_sales, offline_cents from sync_devices where business_id = $1 and device_id = $2"
    assert await shop.rows(counted, till.id) == [(500, 20_000_000)]


async def test_another_device_has_a_count_of_its_own(till: Device, join: Any, shop: TradingShop, fridge: Any) -> None:
    other = await join()
    await sold_by(till, shop, sales=500, cents=0)
    (mine,) = await till.results(till.sale((fridge, 1), total_cents=PRICE))
    (theirs,) = await other.results(other.sale((fridge, 1), total_cents=PRICE))
    assert mine["reasons"] == ["offline_sales_beyond:1"]
    assert (theirs["status"], theirs["reasons"]) == ("applied", [])
