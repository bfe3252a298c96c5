"""Corrections and losses: their cost, their limit, and what they refuse."""

from decimal import Decimal

import pytest

from payme.features.inventory import Wanted, lock_stock, release, reserve
from payme.features.inventory.errors import AlreadyRecorded, StockShort
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.shop import Shop
from tests.stock_room import adjust, balance, check_stock, level, make_product, receive, sell, spoil

MOVED = "select count(*) from stock_movements where business_id = $1 and kind in ('adjustment', 'spoilage')"


async def test_down_takes_the_oldest_cost(shop: Shop):
    tea = await make_product(shop)
    await receive(shop, tea, "10", 100_000)
    await receive(shop, tea, "10", 130_000)
    view = await adjust(shop, tea, "-12")
    assert (view.quantity, view.cost_cents, view.on_hand) == (-12, -126_000, 8)
    assert await balance(shop, "stock_adjustments") == 126_000
    assert await balance(shop, "inventory") == (await level(shop, tea))[2] == 104_000
    await check_stock(shop)


async def test_up_comes_in_at_the_last_unit_cost_and_settles_what_is_owed(shop: Shop):
    tea = await make_product(shop)
    await receive(shop, tea, "4", 400)
    await sell(shop, [(tea, "6")], fact=True)
    view = await adjust(shop, tea, "5")
    assert (view.cost_cents, view.settled_quantity, view.variance_cents, view.on_hand) == (500, 2, 0, 3)
    assert await level(shop, tea) == (3, 0, 300)
    assert await balance(shop, "stock_adjustments") == -500
    await check_stock(shop)


async def test_up_without_any_receipt_comes_in_at_the_buying_price(shop: Shop):
    tea = await make_product(shop, buying_price_cents=70)
    assert (await adjust(shop, tea, "2.5")).cost_cents == 175


async def test_losses_are_recorded_by_type(shop: Shop):
    tea = await make_product(shop)
    await receive(shop, tea, "3", 100)
    view = await spoil(shop, tea, "1", type="expiration", note="Best before last week")
    assert (view.kind, view.cost_cents, view.on_hand) == ("spoilage", -33, 2)
    rows = await shop.rows(
        "select kind, spoilage_type, reason, quantity from stock_movements where business_id = $1 and kind = 'spoilage'"
    )
    assert rows == [("spoilage", "expiration", "Best before last week", Decimal(-1))]
    assert (await balance(shop, "spoilage"), await balance(shop, "inventory")) == (33, 67)
    actions = await shop.rows("select action from audit_log where business_id = $1 and subject_id = $2", view.id)
    assert actions == [("stock.spoiled",)]
    await check_stock(shop)


async def test_more_than_is_on_hand_cannot_be_written_off(shop: Shop):
    tea = await make_product(shop)
    await receive(shop, tea, "2", 200)
    for write_off in (adjust(shop, tea, "-2.001"), spoil(shop, tea, "3")):
        with pytest.raises(StockShort):
            await write_off
    assert (await shop.value(MOVED), await level(shop, tea)) == (0, (2, 0, 200))


async def test_goods_that_are_set_aside_can_be_lost(shop: Shop):
    tea, sale_id = await make_product(shop), new_id()
    await receive(shop, tea, "2", 200)

    async def set_aside(uow: UnitOfWork):
        await lock_stock(uow, [tea])
        reserve(uow, sale_id, wanted=[Wanted(tea, Decimal(2))])

    async def give_back(uow: UnitOfWork):
        release(uow, sale_id, product_ids=[tea])

    await shop.run(set_aside)
    assert (await spoil(shop, tea, "1")).available == -1
    await check_stock(shop)
    await shop.run(give_back)
    await shop.run(give_back)
    assert await level(shop, tea) == (1, 0, 100)
    await check_stock(shop)


async def test_up_to_the_limit_nobody_must(shop: Shop):
    tea = await make_product(shop)
    await receive(shop, tea, "3", 200_000)
    await spoil(shop.as_person("stock.spoil"), tea, "3")
    assert await level(shop, tea) == (0, 0, 0)


@pytest.mark.parametrize("delta", ["1", "-1"])
async def test_an_id_is_recorded_once(shop: Shop, delta: str):
    tea, change_id = await make_product(shop), new_id()
    await receive(shop, tea, "5", 500)
    await adjust(shop, tea, delta, id=change_id)
    with pytest.raises(AlreadyRecorded):
        await adjust(shop, tea, delta, id=change_id)
    await check_stock(shop)
