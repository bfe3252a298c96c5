"""Goods received: a batch, what was owed before them, and the books."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from payme.features.catalog import ProductNotFound
from payme.features.inventory.errors import AlreadyRecorded, NotTracked, ReceivedInFuture
from payme.kit.ids import new_id
from payme.kit.time import SystemClock
from tests.shop import Shop
from tests.stock_room import balance, check_stock, level, make_product, receive, sell


async def test_first_in_is_first_out(shop: Shop):
    tea = await make_product(shop)
    await receive(shop, tea, "10", 100_000)
    await receive(shop, tea, "10", 130_000)
    plan = await sell(shop, [(tea, "15")])
    assert plan.cost_cents == 165_000
    assert await level(shop, tea) == (5, 0, 65_000)
    await check_stock(shop)


async def test_first_to_expire_is_first_out(shop: Shop):
    milk = await make_product(shop, track_expiry=True)
    await receive(shop, milk, "5", 500, expires_on=date(2030, 2, 1))
    await receive(shop, milk, "5", 1_000, expires_on=date(2030, 1, 1))
    await receive(shop, milk, "5", 2_000)
    assert (await sell(shop, [(milk, "11")])).line_costs == (1_000 + 500 + 400,)


async def test_an_earlier_day_of_receipt_comes_first(shop: Shop):
    tea = await make_product(shop)
    await receive(shop, tea, "1", 300)
    await receive(shop, tea, "1", 200, received_at=SystemClock().now() - timedelta(days=2))
    assert (await sell(shop, [(tea, "1")])).cost_cents == 200


async def test_the_view_tells_what_is_there_and_the_books_agree(shop: Shop):
    tea = await make_product(shop)
    view = await receive(shop, tea, "24", 129_600)
    assert (view.kind, view.quantity, view.cost_cents, view.on_hand, view.available) == (
        "purchase",
        24,
        129_600,
        24,
        24,
    )
    assert (await balance(shop, "inventory"), await balance(shop, "goods_received")) == (129_600, -129_600)
    assert await shop.rows(
        "select action, subject_id from audit_log where business_id = $1 and action like 'stock.%'"
    ) == [("stock.received", view.id)]
    assert (
        await shop.value(
            "select rev from sync_changes where business_id = $1 and document_id = $2 and collection = 'stock'", tea
        )
        == 2
    )


async def test_what_was_sold_before_it_came_is_trued_up(shop: Shop):
    tea = await make_product(shop, buying_price_cents=90)
    await receive(shop, tea, "2", 200)
    sold = await sell(shop, [(tea, "5")], fact=True)
    assert sold.cost_cents == 200 + 3 * 100
    assert await level(shop, tea) == (-3, 0, -300)
    first = await receive(shop, tea, "2", 230)
    assert (first.settled_quantity, first.variance_cents, first.on_hand) == (2, 30, -1)
    assert await level(shop, tea) == (-1, 0, -100)
    second = await receive(shop, tea, "10", 900)
    assert (second.settled_quantity, second.variance_cents) == (1, -10)
    assert await level(shop, tea) == (9, 0, 810)
    await check_stock(shop)
    assert await balance(shop, "inventory") == 810 + 500, "the sale's own posting of 500 belongs to sales"
    assert await balance(shop, "cost_of_goods") == 30 - 10
    true_ups = await shop.rows(
        "select quantity, cost_cents from stock_movements where business_id = $1 and kind = 'true_up' order by occurred_at"
    )
    assert true_ups == [(Decimal(0), -30), (Decimal(0), 10)]


async def test_the_first_provisional_cost_is_the_buying_price(shop: Shop):
    tea = await make_product(shop, buying_price_cents=90)
    assert (await sell(shop, [(tea, "2")], fact=True)).cost_cents == 180


async def test_an_id_is_received_once(shop: Shop):
    tea, receipt_id = await make_product(shop), new_id()
    await receive(shop, tea, "1", 100, id=receipt_id)
    with pytest.raises(AlreadyRecorded):
        await receive(shop, tea, "1", 100, id=receipt_id)
    assert await level(shop, tea) == (1, 0, 100)


@pytest.mark.parametrize("track_stock", [True, False])
async def test_refusals_write_nothing(shop: Shop, other_shop: Shop, track_stock: bool):
    product = await make_product(shop, track_stock=track_stock)
    if track_stock:
        with pytest.raises(ReceivedInFuture):
            await receive(shop, product, "1", 100, received_at=SystemClock().now() + timedelta(minutes=6))
    else:
        with pytest.raises(NotTracked):
            await receive(shop, product, "1", 100)
    with pytest.raises(ProductNotFound):
        await receive(other_shop, product, "1", 100)
    for each in (shop, other_shop):
        for table in ("stock_batches", "stock_movements", "postings"):
            assert await each.value(f"select count(*) from {table} where business_id = $1") == 0, table


async def test_costs_are_hidden_from_those_who_may_not_see_them(shop: Shop):
    tea = await make_product(shop)
    seen = await receive(shop.as_person("stock.receive"), tea, "1", 100)
    assert (seen.cost_cents, seen.variance_cents) == (None, None)
