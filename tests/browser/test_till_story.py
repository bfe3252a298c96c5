"""A day without a network, as one story: sell, give back, meet a customer, take M-Pesa on its word; the browser dies, the server dies
twice while everything is sent; at the end each is there once, and the books hold.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import async_playwright, expect

from payme.features.identity import Role
from tests.api_process import ApiProcess
from tests.browser.till_room import SLOW, Till, on_hand, sold_receipts
from tests.invariants import assert_invariants
from tests.staff import PIN, hire
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, new_receipt
from tools.ensure_chromium import MISSING, find_chromium
from tools.web import build

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason=MISSING),
    pytest.mark.timeout(300),
]
SHELF, PRICE = 50, 15_000


@pytest.fixture
def api(owner_dsn: str, open_folder: Path) -> Iterator[ApiProcess]:
    build()
    with ApiProcess(owner_dsn, open_folder / "api.log") as started:
        yield started


@pytest.fixture
async def sugar(shop: TradingShop) -> UUID:
    """Fifty of sugar, a cashier to sell it, a manager to agree, and refunds that need one."""
    await hire(shop, Role.CASHIER, "Achieng")
    await hire(shop, Role.MANAGER, "Mutiso")
    await shop.set_limits(refund_limit_cents=10_000)
    product = await make_product(shop, name="Sukari", price_cents=PRICE)
    await receive(shop, product, str(SHELF), PRICE * SHELF // 2)
    return product


@pytest.fixture
async def till(api: ApiProcess, shop: TradingShop, sugar: UUID, open_folder: Path) -> AsyncIterator[Till]:
    async with async_playwright() as playwright:
        started = await Till(playwright, api, shop, open_folder / "profile").start()
        try:
            await started.register()
            await started.log_in("Achieng")
            yield started
            assert started.complaints == []
        finally:
            await started.kill()


async def give_back(till: Till) -> None:
    """Refund the whole of the sale that is shown, with the manager's PIN."""
    page = till.page
    await page.get_by_role("button", name="Refund").click()
    await page.get_by_role("button", name="All of it").click()
    await page.get_by_label("Reason").fill("Torn bag")
    await page.get_by_role("button", name="Give back KES 150").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Mutiso").click()
    await page.keyboard.type(PIN)
    await dialog.get_by_role("button", name="Continue").click()
    await expect(page.locator(".verdict")).to_have_attribute("data-state", "pending", timeout=SLOW)


async def sell_to_a_new_customer_for_a_claim(till: Till, code: str) -> str:
    """Sell one to somebody whom nobody knows yet, who shows a message of M-Pesa."""
    page = till.page
    await page.goto("/till/#/sell")
    await page.get_by_role("listitem").get_by_role("button", name="Sukari").click()
    await page.goto("/till/#/customers/choose")
    await page.get_by_role("button", name="New customer").click()
    await page.get_by_label("Name").fill("Njoroge")
    await page.get_by_label("Phone").fill("0712 345 678")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page).not_to_have_url(re.compile("customers"))
    await page.goto("/till/#/pay")
    await page.get_by_role("radio", name="Code").click()
    message = (
        f"{code} Confirmed. Ksh150.00 paid to DUKA LA MFANO on 22/11/26 at 12:00 PM. New M-PESA balance is Ksh0.00."
    )
    await page.get_by_label("M-Pesa code").fill(message)
    await page.get_by_role("button", name="Charge KES 150").click()
    await expect(page.get_by_role("heading", name="Sold")).to_be_visible()
    return await page.get_by_role("article", name="Receipt").locator("header p").first.inner_text()


async def test_a_day_without_a_network_arrives_once(till: Till, api: ApiProcess, shop: TradingShop, sugar: UUID):
    receipts = [await till.sell("Sukari")]
    await till.settled(1)
    api.kill()
    receipts += [await till.sell("Sukari") for _ in range(10)]
    await give_back(till)
    code = new_receipt()
    receipts.append(await sell_to_a_new_customer_for_a_claim(till, code))
    await expect(till.page.locator(".sync")).to_have_attribute("data-unsent", "13")

    await till.kill()
    await till.start()
    await expect(till.page.locator(".sync")).to_have_attribute("data-unsent", "13", timeout=SLOW)
    for _ in range(2):
        await till.page.goto("/till/#/sync")
        api.start()
        api.wait_until_ready()
        await till.page.get_by_role("button", name="Try now").click()
        api.kill()
    api.start()
    api.wait_until_ready()
    await till.page.goto("/till/#/sync")
    await till.page.get_by_role("button", name="Try now").click()
    await expect(till.page.locator('.sync[data-unsent="0"]')).to_be_visible(timeout=60_000)

    assert await shop.rows("select receipt_number from sales where business_id = $1 order by receipt_number") == [
        (each,) for each in sorted(receipts)
    ]
    assert len(await sold_receipts(shop)) == 11
    assert await shop.rows("select state, amount_cents from refunds where business_id = $1") == [("completed", PRICE)]
    assert await shop.value("select count(*) from customers where business_id = $1") == 1
    assert await shop.rows(
        "select mpesa_receipt_number, assurance from payments where business_id = $1 and method = 'mpesa_claim'"
    ) == [(code, "claimed")]
    assert await on_hand(shop, sugar) == SHELF - 11
    assert await shop.rows("select status, count(*) from sync_commands where business_id = $1 group by 1") == [
        ("applied", 14)
    ]
    await assert_invariants(shop.database, shop.business_id)
