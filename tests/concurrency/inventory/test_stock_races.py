"""Several tills, one shelf: real commits on several connections."""

import asyncio
from decimal import Decimal

import asyncpg

from payme.features.inventory import Wanted, lock_stock, plan_take, release, reserve, take
from payme.features.inventory.rules import find_shortages
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.shop import Shop
from tests.stock_room import check_stock, level, make_product, receive, sell, spoil


async def test_the_last_unit_is_sold_once(shop: Shop):
    tea = await make_product(shop)
    await receive(shop, tea, "1", 100)
    plans = await asyncio.gather(*(sell(shop, [(tea, "1")]) for _ in range(50)))
    assert sorted((len(plan.takes), len(plan.short)) for plan in plans) == [(0, 1)] * 49 + [(1, 0)]
    assert await level(shop, tea) == (0, 0, 0)
    await check_stock(shop)


async def test_the_last_unit_is_set_aside_once(shop: Shop):
    tea = await make_product(shop)
    await receive(shop, tea, "1", 100)
    wanted = [Wanted(tea, Decimal(1))]

    async def checkout(uow: UnitOfWork) -> bool:
        if find_shortages(wanted, await lock_stock(uow, [tea])):
            return False
        reserve(uow, new_id(), wanted=wanted)
        return True

    assert sorted(await asyncio.gather(*(shop.run(checkout) for _ in range(50)))) == [False] * 49 + [True]
    assert await level(shop, tea) == (1, 1, 100)
    await check_stock(shop)


async def test_a_sale_that_waited_sees_the_batch_that_came_meanwhile(shop: Shop, owner_dsn: str):
    tea = await make_product(shop)
    await receive(shop, tea, "1", 100)
    locked, go_on = asyncio.Event(), asyncio.Event()

    async def first(uow: UnitOfWork) -> None:
        # It changes nothing: PostgreSQL lets those who wait for a row overtake each other when the row is a new version.
        await lock_stock(uow, [tea])
        locked.set()
        await go_on.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(shop.run(first))
        await locked.wait()
        tasks.create_task(receive(shop, tea, "5", 1_000))
        await _waiting(owner_dsn, 1)
        waiting = tasks.create_task(sell(shop, [(tea, "6")]))
        await _waiting(owner_dsn, 2)
        go_on.set()
    assert waiting.result().cost_cents == 1_100
    assert await level(shop, tea) == (0, 0, 0)
    await check_stock(shop)


async def test_everything_at_once_in_any_order_of_products_adds_up(shop: Shop):
    products = [await make_product(shop, name=f"P{number}") for number in range(3)]
    for product_id in products:
        await receive(shop, product_id, "20", 1_999)

    async def reserve_and_end(number: int) -> None:
        sale_id, wanted = new_id(), [Wanted(product_id, Decimal(1)) for product_id in products]

        async def begin(uow: UnitOfWork) -> bool:
            if find_shortages(wanted, await lock_stock(uow, products)):
                return False
            reserve(uow, sale_id, wanted=wanted)
            return True

        async def complete(uow: UnitOfWork) -> None:
            plan = plan_take(wanted, await lock_stock(uow, reversed(products)), use_reserved=True)
            take(uow, sale_id, takes=plan.takes, reserved=True)

        async def give_up(uow: UnitOfWork) -> None:
            release(uow, sale_id, product_ids=products)

        if await shop.run(begin):
            await shop.run(complete if number % 2 else give_up)

    before = shop.database.retries
    await asyncio.gather(
        *(sell(shop, [(product_id, "1.5") for product_id in products[::-1]], fact=True) for _ in range(8)),
        *(sell(shop, [(product_id, "0.333") for product_id in products]) for _ in range(8)),
        *(receive(shop, product_id, "3", 1_000 + number) for number, product_id in enumerate(products)),
        *(reserve_and_end(number) for number in range(8)),
        *(spoil(shop, product_id, "1") for product_id in products),
    )
    assert shop.database.retries == before, "one lock order for all: nobody had to try again"
    await check_stock(shop)
    held = await shop.value("select count(*) from stock_reservations where business_id = $1 and state = 'held'")
    assert held == 0


async def _waiting(owner_dsn: str, count: int) -> None:
    """Wait until so many transactions of this worker's database wait for a lock."""
    blocked = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    connection = await asyncpg.connect(owner_dsn)
    try:
        async with asyncio.timeout(5):
            while await connection.fetchval(blocked) < count:
                await asyncio.sleep(0.01)
    finally:
        await connection.close()
