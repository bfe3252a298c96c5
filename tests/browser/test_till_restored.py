"""The server was restored to an earlier moment while tills were ahead of it: the till finds out by itself and sends again what is missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from payme.features.identity import Role
from payme.features.sync import begin_epoch
from tests.api_process import ApiProcess
from tests.browser.till_room import SLOW, Till, on_hand, sold_receipts
from tests.invariants import assert_invariants
from tests.stack import until
from tests.staff import hire
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, open_database, open_shop
from tools.ensure_chromium import MISSING, find_chromium
from tools.web import build

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason=MISSING),
    pytest.mark.timeout(240),
]
SHELF, PRICE = 50, 15_000


async def _has(shop: TradingShop, count: int) -> bool:
    return len(await sold_receipts(shop)) == count


async def test_what_a_restored_server_lost_is_sent_again_once(
    make_database: Callable[..., Awaitable[str]], open_folder: Path
):
    build()
    dsn = await make_database()
    shop = await open_shop(await open_database(dsn))
    await hire(shop, Role.CASHIER, "Achieng")
    sugar = await make_product(shop, name="Sukari", price_cents=PRICE)
    await receive(shop, sugar, str(SHELF), PRICE * SHELF // 2)
    with ApiProcess(dsn, open_folder / "api.log") as api:
        async with async_playwright() as playwright:
            till = await Till(playwright, api, shop, open_folder / "profile").start()
            try:
                await till.register()
                await till.log_in("Achieng")
                receipts = [await till.sell("Sukari")]
                await till.settled(1)
                api.kill()
                await shop.database.close()
                restored = await make_database(template=dsn.rpartition("/")[2])
                shop.database = await open_database(dsn)
                api.start()
                api.wait_until_ready()
                await till.page.goto("/till/#/sync")
                await till.page.get_by_role("button", name="Try now").click()
                await expect(till.page.locator("a.sync[data-online=true]")).to_be_visible(timeout=SLOW)
                receipts.append(await till.sell("Sukari"))
                await till.settled(2)
                assert len(await sold_receipts(shop)) == 2

                api.kill()
                await shop.database.close()
                shop.database = await open_database(restored)
                await shop.run(begin_epoch)
                assert len(await sold_receipts(shop)) == 1
                api.serve(restored)
                api.start()
                api.wait_until_ready()
                receipts.append(await till.sell("Sukari"))
                # The answer to this sale tells of the restore; nobody asked the till to look.
                await until(lambda: _has(shop, 3))
                await till.settled(3)
                assert till.complaints == []
            finally:
                await till.kill()
    assert await sold_receipts(shop) == sorted(receipts)
    assert await on_hand(shop, sugar) == SHELF - 3
    assert await shop.rows("select status, count(*) from sync_commands where business_id = $1 group by 1") == [
        ("applied", 3)
    ]
    await assert_invariants(shop.database, shop.business_id)
    await shop.database.close()
