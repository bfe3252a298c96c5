"""The till in Chromium, as a shop lives with it: the network goes, the browser is killed, two windows are open, the device is revoked.

The server is the real one, killed and started as a process. At the end each sale is on it once, and the books hold.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import async_playwright, expect

from payme.features.identity import Role, list_devices, revoke_device
from tests.api_process import ApiProcess
from tests.browser.till_room import SLOW, Till, on_hand, sold_receipts
from tests.invariants import assert_invariants
from tests.staff import hire
from tests.stock_room import make_product, receive
from tests.trade import TradingShop
from tools.ensure_chromium import MISSING, find_chromium
from tools.web import build

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason=MISSING),
    pytest.mark.timeout(240),
]
SHELF = 50


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    build()


@pytest.fixture
async def shelf(shop: TradingShop) -> dict[str, UUID]:
    """Sugar at 150 and milk at 60, fifty of each, and a cashier to sell them."""
    await hire(shop, Role.CASHIER, "Achieng")
    found: dict[str, UUID] = {}
    for name, price_cents in (("Sukari", 15_000), ("Maziwa", 6_000)):
        found[name] = await make_product(shop, name=name, price_cents=price_cents)
        await receive(shop, found[name], str(SHELF), price_cents * SHELF // 2)
    return found


@pytest.fixture
async def till(api: ApiProcess, shop: TradingShop, shelf: dict[str, UUID], open_folder: Path) -> AsyncIterator[Till]:
    """A registered till with the cashier at it."""
    async with async_playwright() as playwright:
        started = await Till(playwright, api, shop, open_folder / "profile").start()
        try:
            await started.register()
            await started.log_in("Achieng")
            yield started
            assert started.complaints == []
        finally:
            await started.kill()


async def test_a_sale_online_is_confirmed_and_is_on_the_server_once(
    till: Till, shop: TradingShop, shelf: dict[str, UUID]
):
    receipt = await till.sell("Sukari", "Sukari", "Maziwa")
    await expect(till.page.locator(".verdict")).to_have_attribute("data-state", "applied", timeout=SLOW)
    await till.settled(1)
    assert await sold_receipts(shop) == [receipt]
    assert [await on_hand(shop, each) for each in shelf.values()] == [SHELF - 2, SHELF - 1]
    await assert_invariants(shop.database, shop.business_id)


async def test_what_was_sold_with_no_network_survives_a_killed_browser_and_arrives_once(
    till: Till, api: ApiProcess, shop: TradingShop, shelf: dict[str, UUID]
):
    receipts = [await till.sell("Sukari")]
    await till.settled(1)
    api.kill()
    receipts += [await till.sell("Maziwa") for _ in range(3)]
    await expect(till.page.locator(".sync")).to_have_attribute("data-unsent", "3")
    await till.shows(pending=3, applied=1)
    await till.kill()
    await till.start()
    await expect(till.page.locator(".sync")).to_have_attribute("data-unsent", "3", timeout=SLOW)
    await till.shows(pending=3, applied=1)
    receipts.append(await till.sell("Sukari"))
    api.start()
    api.wait_until_ready()
    await till.page.goto("/till/#/sync")
    await till.page.get_by_role("button", name="Try now").click()
    await till.settled(5)
    assert await sold_receipts(shop) == sorted(receipts)
    assert len(set(receipts)) == 5
    assert [await on_hand(shop, each) for each in shelf.values()] == [SHELF - 2, SHELF - 3]
    await assert_invariants(shop.database, shop.business_id)


async def test_two_windows_are_one_till(till: Till, api: ApiProcess, shop: TradingShop, shelf: dict[str, UUID]):
    other = await till.context.new_page()
    await other.goto("/till/#/sell")
    api.kill()
    receipts = [await till.sell("Sukari"), await till.sell("Maziwa", page=other), await till.sell("Sukari")]
    for page in (till.page, other):
        await expect(page.locator(".sync")).to_have_attribute("data-unsent", "3")
    api.start()
    api.wait_until_ready()
    # The window that holds the lock goes; the other takes over what it left.
    await till.page.close()
    await till.page.goto("/till/#/sync")
    await till.page.get_by_role("button", name="Try now").click()
    await till.settled(3)
    assert await sold_receipts(shop) == sorted(receipts)
    assert len(set(receipts)) == 3
    assert [await on_hand(shop, each) for each in shelf.values()] == [SHELF - 2, SHELF - 1]


async def test_a_revoked_till_keeps_its_queue_and_says_so(
    till: Till, api: ApiProcess, shop: TradingShop, shelf: dict[str, UUID]
):
    api.kill()
    await till.sell("Sukari")
    (device,) = await shop.run(lambda uow: list_devices(uow, after=None, limit=10))
    await shop.run(lambda uow: revoke_device(uow, device.id))
    api.start()
    api.wait_until_ready()
    await till.page.goto("/till/#/sync")
    await till.page.get_by_role("button", name="Try now").click()
    await expect(till.page.get_by_role("alert")).to_contain_text("was revoked", timeout=SLOW)
    await expect(till.page.locator(".sync")).to_have_attribute("data-unsent", "1")
    async with till.page.expect_download() as started:
        await till.page.get_by_role("button", name="Save unsent work as a file").click()
    saved = (await (await started.value).path()).read_text()
    assert '"sale.create"' in saved
    assert str(device.id) in saved
    assert await sold_receipts(shop) == []
    await till.page.reload()
    await till.shows(pending=1)


async def test_a_cart_on_the_counter_survives_a_killed_browser(till: Till):
    await till.page.get_by_role("listitem").get_by_role("button", name="Sukari").click()
    await expect(till.page.get_by_role("button", name="Charge KES 150").first).to_be_visible()
    await till.kill()
    await till.start()
    await expect(till.page.get_by_role("button", name="Charge KES 150").first).to_be_visible(timeout=SLOW)


async def test_five_wrong_pins_lock_a_person_out_also_after_a_reload(till: Till, shop: TradingShop):
    await till.page.goto("/till/#/more")
    await till.page.get_by_role("button", name="Lock the till").click()
    for left in ("4", "3", "2", "1"):
        if left == "4":
            await till.page.get_by_role("button", name="Achieng").click()
        await till.page.keyboard.type("0000")
        await till.page.keyboard.press("Enter")
        await expect(till.page.get_by_role("alert").filter(has_text=f"{left} tr")).to_be_visible(timeout=SLOW)
    await till.page.keyboard.type("0000")
    await till.page.keyboard.press("Enter")
    await expect(till.page.get_by_text("Too many wrong PINs")).to_be_visible(timeout=SLOW)
    await till.page.reload()
    await till.page.get_by_role("button", name="Achieng").click()
    await till.page.keyboard.type("482916")
    await till.page.keyboard.press("Enter")
    await expect(till.page.get_by_text("Too many wrong PINs")).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
async def test_nothing_is_wider_than_the_screen(till: Till, width: int, scheme: str):
    await till.page.set_viewport_size({"width": width, "height": 780})
    await till.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for screen in ("sell", "sales", "sync", "attention", "more"):
        await till.page.goto(f"/till/#/{screen}")
        await expect(till.page.locator(".app")).to_be_visible()
        assert await till.page.evaluate("document.documentElement.scrollWidth") <= width, screen
