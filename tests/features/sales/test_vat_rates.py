"""A change of a VAT rate is a row with its day: sales before keep the old rate, and the day begins at midnight in Nairobi."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features.businesses import PLATFORM_BUSINESS_ID, ensure_platform_business
from payme.features.catalog import list_vat_rates
from payme.kit.time import FrozenClock
from payme.runtime.database import Database, PoolLimits
from tests.invariants import assert_invariants
from tests.stock_room import make_product
from tests.trade import TradingShop, card, open_shop, settings_for

LAST_SECOND = datetime(2026, 11, 30, 20, 59, 59, tzinfo=UTC)  # 23:59:59 in Nairobi


@pytest_asyncio.fixture(loop_scope="session")
async def clock() -> FrozenClock:
    return FrozenClock(LAST_SECOND)


@pytest_asyncio.fixture(loop_scope="session")
async def shop(make_database: Callable[..., Any], clock: FrozenClock) -> AsyncIterator[TradingShop]:
    """A shop in a database of its own, where the standard rate becomes 18 % on 1 December."""
    dsn = await make_database()
    owner = await asyncpg.connect(dsn)
    await owner.execute("insert into vat_rates values ('B', '2026-12-01', 1800, 'Standard')")
    await owner.close()
    wiring = wire(tools_of(settings_for(dsn)))
    opened = await Database(dsn, limits=PoolLimits(connections=2), wiring=wiring, clock=clock).open()
    await opened.run(ensure_platform_business, business_id=PLATFORM_BUSINESS_ID)
    yield await open_shop(opened, paybill=False)
    await opened.close()


async def test_the_rate_of_a_sale_is_that_of_its_day_in_nairobi(shop: TradingShop, clock: FrozenClock):
    soda = await make_product(shop, price_cents=11_800, vat_class="B", track_stock=False)
    before = await shop.sell(soda, tenders=[card(11_800)])
    clock.advance(timedelta(seconds=1))
    after = await shop.sell(soda, tenders=[card(11_800)])
    assert (before.vat_cents, after.vat_cents) == (1_628, 1_800)
    assert (await shop.sale(before.id)).vat_cents == 1_628
    assert (await shop.balances())["vat_payable"] == -(1_628 + 1_800)
    await assert_invariants(shop.database, shop.business_id)


async def test_what_is_listed_for_a_day_is_what_holds_on_it(shop: TradingShop):
    standard: list[int] = []
    for day in (date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2)):
        rates = await shop.run(lambda uow, day=day: list_vat_rates(uow, on=day))
        standard += [each.rate_basis_points for each in rates if each.vat_class == "B"]
    assert standard == [1_600, 1_800, 1_800]
