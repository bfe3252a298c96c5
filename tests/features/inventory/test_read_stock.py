"""What people look at."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from payme.features.catalog.schemas import ChangeProduct
from payme.features.catalog.services.change_product import change_product
from payme.features.inventory.errors import ProductUnknown, StockOnHand
from payme.features.inventory.rules import Wanted
from payme.features.inventory.schemas import MovementFilter
from payme.features.inventory.services.read_stock import (
    list_alerts,
    list_movements,
    list_stock,
    stock_version,
    value_stock,
)
from payme.features.inventory.services.take_stock import lock_stock, release, reserve
from payme.kit.ids import new_id
from payme.kit.time import SystemClock
from payme.runtime.database import UnitOfWork
from tests.shop import Shop
from tests.stock_room import level, make_product, receive, sell


def stock_of(shop: Shop, **wanted: Any):
    query = {"product_id": None, "below_reorder": False, "after": None, "limit": 10, **wanted}
    return shop.run(lambda uow: list_stock(uow, **query))


async def test_levels_come_in_pages_by_product(shop: Shop):
    products = [await make_product(shop, name=f"P{n}") for n in range(3)]
    await make_product(shop, name="Service", track_stock=False)
    await receive(shop, products[1], "2", 100)
    first = await stock_of(shop, limit=2)
    rest = await stock_of(shop, after=first[-1].product_id)
    assert [row.product_id for row in [*first, *rest]] == sorted(products)
    [row] = await stock_of(shop, product_id=products[1])
    assert (row.on_hand, row.reserved, row.available, row.value_cents) == (2, 0, 2, 100)
    assert (await stock_of(shop.as_person("stock.read")))[0].value_cents is None


async def test_the_version_rises_with_every_change(shop: Shop):
    tea = await make_product(shop)
    before = await shop.run(stock_version)
    await receive(shop, tea, "1", 100)
    assert await shop.run(stock_version) > before


async def test_devices_hear_of_what_is_sold_set_aside_and_given_back(shop: Shop):
    tea = await make_product(shop)
    sale_id = new_id()
    last = "select rev from sync_changes where business_id = $1 and document_id = $2 and collection = 'stock'"

    async def set_aside(uow: UnitOfWork) -> None:
        await lock_stock(uow, [tea])
        reserve(uow, sale_id, wanted=[Wanted(tea, Decimal(1))])

    async def give_back(uow: UnitOfWork) -> None:
        release(uow, sale_id, product_ids=[tea])

    await receive(shop, tea, "2", 100)
    heard = [await shop.value(last, tea)]
    await shop.run(set_aside)
    heard.append(await shop.value(last, tea))
    await shop.run(give_back)
    heard.append(await shop.value(last, tea))
    await sell(shop, [(tea, "1")])
    heard.append(await shop.value(last, tea))
    assert heard == sorted(set(heard))


async def test_alerts_suggest_what_was_sold_lately(shop: Shop):
    tea = await make_product(shop, name="Chai", reorder_point=Decimal(10))
    await make_product(shop, name="Sukari", reorder_point=Decimal(0))
    milk = await make_product(shop, name="Maziwa", reorder_point=Decimal(1))
    await receive(shop, tea, "12", 1_200)
    await receive(shop, milk, "5", 500, expires_on=date(2020, 1, 1))
    await receive(shop, milk, "5", 500, expires_on=SystemClock().now().date() + timedelta(days=60))
    assert [row.product_id for row in await stock_of(shop, below_reorder=True)] != [tea]
    await sell(shop, [(tea, "7.5")])
    order, _, expiring = await shop.run(list_alerts)
    assert (order.kind, order.product_id, order.name, order.available) == ("reorder", tea, "Chai", Decimal("4.5"))
    assert (order.sold_in_30_days, order.suggested_quantity) == (Decimal("7.5"), 13)
    assert (expiring.kind, expiring.product_id, expiring.quantity) == ("expiring", milk, 5)


async def test_movements_are_filtered_and_hide_costs(shop: Shop):
    tea, milk = await make_product(shop), await make_product(shop)
    yesterday = SystemClock().now() - timedelta(days=1)
    await receive(shop, tea, "3", 300, received_at=yesterday)
    await receive(shop, milk, "3", 300)
    await sell(shop, [(tea, "1"), (milk, "1")])

    async def kinds(as_seen_by: Shop = shop, **wanted: Any):
        rows = await as_seen_by.run(lambda uow: list_movements(uow, MovementFilter(**wanted), before=None, limit=10))
        return [(row.kind, row.product_id, row.cost_cents) for row in rows]

    assert len(await kinds()) == 4
    assert await kinds(product_id=tea) == [("sale", tea, -100), ("purchase", tea, 300)]
    assert await kinds(kind="purchase", until=yesterday + timedelta(hours=1)) == [("purchase", tea, 300)]
    assert len(await kinds(since=yesterday + timedelta(hours=1))) == 3
    assert (await kinds(shop.as_person("stock.read"), product_id=tea))[0][2] is None


async def test_stock_is_valued_at_any_instant(shop: Shop):
    tea = await make_product(shop)
    yesterday = SystemClock().now() - timedelta(days=1)
    await receive(shop, tea, "3", 300, received_at=yesterday)
    await sell(shop, [(tea, "1")])
    now = await shop.run(lambda uow: value_stock(uow, at=None))
    then = await shop.run(lambda uow: value_stock(uow, at=yesterday))
    assert ((now.value_cents, now.products[0].on_hand), (then.value_cents, then.products[0].on_hand)) == (
        (200, 2),
        (300, 3),
    )


async def test_counting_ends_only_at_zero_and_begins_with_a_level(shop: Shop):
    tea = await make_product(shop)
    await receive(shop, tea, "1", 100)

    async def count(track_stock: bool):
        return await shop.run(lambda uow: change_product(uow, tea, command=ChangeProduct(track_stock=track_stock)))

    with pytest.raises(StockOnHand):
        await count(track_stock=False)
    assert await shop.value("select track_stock from products where business_id = $1 and id = $2", tea)
    await sell(shop, [(tea, "1")])
    assert (await count(track_stock=False)).track_stock is False
    service = await make_product(shop, track_stock=False)
    await shop.run(lambda uow: change_product(uow, service, command=ChangeProduct(track_stock=True)))
    assert await level(shop, service) == (0, 0, 0)


async def test_a_foreign_product_has_no_level_here(shop: Shop, other_shop: Shop):
    foreign = await make_product(other_shop)
    for product_id in (foreign, new_id()):
        with pytest.raises(ProductUnknown):
            await shop.run(lambda uow, product_id=product_id: lock_stock(uow, [product_id]))
    assert await shop.rows("select product_id from stock_levels where business_id = $1") == []
