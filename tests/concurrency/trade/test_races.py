"""Many tills at once over the same goods, wallet and accounts: nothing is sold twice, nothing below its bound, no deadlock."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from payme.features import tokens
from payme.features.sales import SaleView, errors
from payme.features.tokens import TokensExhausted
from payme.features.tokens.schemas import BuyTokens
from payme.features.tokens.services import buy_tokens
from payme.kit.errors import DomainError
from payme.kit.ids import new_id
from payme.runtime.database import PoolLimits, UnitOfWork
from tests.invariants import assert_invariants
from tests.stock_room import level, make_product, receive
from tests.trade import PHONE, TradingShop, cash, open_database, open_shop, stk

SEED = 20_261_122
PRICE = 10_000


async def outcomes(*works: Awaitable[Any]) -> Counter[str]:
    """Run all at once and count what became of them; anything but a refusal by a rule is raised."""

    async def outcome(work: Awaitable[Any]) -> str:
        try:
            await work
        except DomainError as error:
            return error.code
        return "done"

    return Counter(await asyncio.gather(*map(outcome, works)))


@pytest.mark.parametrize("tender", [cash, stk])
async def test_fifty_checkouts_of_the_last_unit(shop: TradingShop, tender: Callable[[int], dict[str, Any]]):
    await shop.set_tokens(50)
    tea = await make_product(shop, price_cents=PRICE)
    await receive(shop, tea, "1", 4_000)
    found = await outcomes(*(shop.sell(tea, tenders=[tender(PRICE)]) for _ in range(50)))
    assert found == {"done": 1, errors.StockShort.code: 49}
    assert (await level(shop, tea))[:2] == ((0, 0) if tender is cash else (1, 1))
    assert await shop.wallet() == ((49, 0) if tender is cash else (50, 1))
    await assert_invariants(shop.database, shop.business_id)


async def test_facts_stop_at_the_overdraft_exactly(shop: TradingShop):
    await shop.set_tokens(0)

    async def work(uow: UnitOfWork) -> None:
        tokens.charge(uow, new_id(), "test", is_fact=True)

    found = await outcomes(*(shop.run(work) for _ in range(250)))
    assert found == {"done": 200, TokensExhausted.code: 50}
    assert await shop.wallet() == (-200, 0)
    await assert_invariants(shop.database, shop.business_id)


async def test_a_reservation_ends_once_whoever_comes_first(shop: TradingShop):
    cause = new_id()

    async def reserve(uow: UnitOfWork) -> None:
        tokens.reserve(uow, cause, "test")

    async def end(uow: UnitOfWork, *, completed: bool) -> None:
        tokens.settle(uow, cause, "test", completed=completed)

    await shop.run(reserve)
    await outcomes(*(shop.run(lambda uow, c=n % 2 == 0: end(uow, completed=c)) for n in range(20)))
    balance, reserved = await shop.wallet()
    assert reserved == 0
    assert 30 - balance == await shop.value(
        "select count(*) from postings where business_id = $1 and kind = 'token.test'"
    )
    await assert_invariants(shop.database, shop.business_id)


async def test_one_success_heard_by_many(shop: TradingShop):
    tea = await make_product(shop, price_cents=PRICE)
    await receive(shop, tea, "9", 9_000)
    sale = await shop.sell((tea, 2), tenders=[stk(2 * PRICE)])
    await shop.paid(sale.payments[0].id, 2 * PRICE, heard=False)
    others = [TradingShop(shop.database, shop.business_id, shop.actor) for _ in range(8)]
    await asyncio.gather(*(each.hear() for each in others))
    assert (await shop.sale(sale.id)).status == "completed"
    assert (await level(shop, tea), await shop.wallet()) == ((7, 0, 7_000), (29, 0))
    await assert_invariants(shop.database, shop.business_id)


async def test_cancel_against_a_late_success(shop: TradingShop):
    tea = await make_product(shop, price_cents=PRICE)
    await receive(shop, tea, "40", 40_000)
    sales = [await shop.sell(tea, tenders=[stk(PRICE)]) for _ in range(12)]
    for sale in sales:
        await shop.fails(sale.payments[0].id)

    async def both(sale: SaleView) -> None:
        hearer = TradingShop(shop.database, shop.business_id, shop.actor, heard=set(shop.heard))
        await outcomes(shop.cancel(sale.id), hearer.paid(sale.payments[0].id, PRICE))

    await asyncio.gather(*map(both, sales))
    await shop.hear(again=True)
    ends = Counter([(await shop.sale(each.id)).status for each in sales])
    assert set(ends) <= {"completed", "cancelled"}
    assert len(await shop.unclaimed()) == ends["cancelled"]
    await assert_invariants(shop.database, shop.business_id)


@pytest.fixture
async def patient(make_database: Callable[..., Any]) -> AsyncIterator[tuple[TradingShop, str]]:
    """A shop on a database of its own whose locks are awaited for long, so that only a deadlock can end a wait."""
    dsn = await make_database()
    limits = PoolLimits(connections=12, acquire_seconds=60, lock_seconds=30, share_of_one_business=1)
    database = await open_database(dsn, limits=limits)
    yield await open_shop(database), dsn
    await database.close()


async def test_everything_at_once_knows_no_deadlock(patient: tuple[TradingShop, str]):
    shop, dsn = patient
    rng = random.Random(SEED)
    await shop.set_tokens(2_000)
    products = [await make_product(shop, name=f"P{n}", price_cents=PRICE) for n in range(4)]
    for product in products:
        await receive(shop, product, "200", 800_000)
    day = Day(shop, products, rng)
    kinds = [day.sell] * 8 + [day.sell_and_refund] * 3 + [day.receive] * 4 + [day.buy] * 2 + [day.prompt] * 6
    works = [rng.choice(kinds) for _ in range(160)]
    queue = iter(works)

    async def till() -> None:
        for work in queue:
            await work()

    retries = shop.database.retries
    await asyncio.gather(*(till() for _ in range(12)))
    await shop.hear()
    assert shop.database.retries == retries
    await assert_invariants(shop.database, shop.business_id)
    await shop.database.close()
    observer = await asyncpg.connect(dsn)
    found = await observer.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
    await observer.close()
    assert found == 0
    await shop.database.open()


class Day:
    """What happens in the shop, each piece as the services do it."""

    def __init__(self, shop: TradingShop, products: list[UUID], rng: random.Random) -> None:
        self.shop, self.products, self.rng = shop, products, rng

    async def sell(self) -> None:
        lines, total = self._basket()
        await outcomes(self.shop.sell(*lines, tenders=[cash(total)]))

    async def receive(self) -> None:
        await receive(self.shop, self.rng.choice(self.products), "3", self.rng.randint(1, 30_000))

    async def buy(self) -> None:
        bought = await self.shop.run(lambda uow: buy_tokens(uow, BuyTokens(package=30, phone=PHONE)))
        hearer = TradingShop(self.shop.database, self.shop.business_id, self.shop.actor)
        await hearer.paid(bought.payment_id, 5_000, heard=False)
        await outcomes(*(self._hear(bought.payment_id) for _ in range(2)))

    async def prompt(self) -> None:
        """Sell by prompt, have it fail or succeed, heard twice at once, while somebody tries to cancel."""
        lines, total = self._basket()
        try:
            sale = await self.shop.sell(*lines, tenders=[stk(total)])
        except errors.StockShort:
            return
        payment_id = sale.payments[0].id
        hearer = TradingShop(self.shop.database, self.shop.business_id, self.shop.actor)
        if self.rng.random() < 0.4:
            await hearer.fails(payment_id, heard=False)
        if self.rng.random() < 0.8:
            await outcomes(hearer.paid(payment_id, total, heard=False), self.shop.cancel(sale.id))
        else:
            await outcomes(self.shop.cancel(sale.id))
        await outcomes(*(self._hear(payment_id) for _ in range(2)))

    async def sell_and_refund(self) -> None:
        """Sell for cash, then have three tills give back the first line at once, and two void the whole sale."""
        lines, total = self._basket()
        try:
            sale = await self.shop.sell(*lines, tenders=[cash(total)])
        except errors.StockShort:
            return
        quantity = sale.lines[0].quantity
        refunds = [self.shop.refund(sale, (0, quantity, self.rng.random() < 0.7)) for _ in range(3)]
        found = await outcomes(*refunds, *(self.shop.void(sale.id) for _ in range(2)))
        assert found["done"] == 1, found

    def _basket(self) -> tuple[list[tuple[UUID, int]], int]:
        chosen = self.rng.sample(self.products, self.rng.randint(1, len(self.products)))
        lines = [(product, self.rng.randint(1, 3)) for product in chosen]
        return lines, sum(quantity for _, quantity in lines) * PRICE

    async def _hear(self, payment_id: UUID) -> None:
        rows = await self.shop.rows(
            "select name, payload from events where business_id = $1 and payload ->> 'payment_id' = $2 order by seq, id",
            str(payment_id),
        )
        for name, payload in rows:
            await self.shop.tell(name, payload)


@pytest.mark.parametrize("tracked", [True, False])
async def test_one_id_from_many_tills_is_one_sale(shop: TradingShop, tracked: bool):
    tea = await make_product(shop, price_cents=PRICE, track_stock=tracked)
    if tracked:
        await receive(shop, tea, "20", 4_000)
    sale_id = new_id()
    found = await outcomes(*(shop.sell(tea, tenders=[cash(PRICE)], id=sale_id) for _ in range(12)))
    assert found == {"done": 1, errors.SaleExists.code: 11}
    await assert_invariants(shop.database, shop.business_id)
