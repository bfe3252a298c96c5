"""A day of a till, as one story: installed, sold at, cut off from the network, its browser killed; API and database die twice each while it
sends. At the end each thing is on the server once, the drawer and the books are right, and the till says *confirmed* of all of it.

The pictures lie in tests/out/story afterwards, for people to look at.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.browser.story_room import NAMES, PRICE, SHELF, Held, Story, open_story
from tests.browser.till_room import SLOW, Till, on_hand, sold_receipts
from tests.invariants import assert_invariants
from tests.stack import until
from tests.staff import PIN
from tests.trade import new_receipt
from tools.ensure_chromium import MISSING, find_chromium
from tools.web import build

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason=MISSING),
    pytest.mark.timeout(300),
]
OUT = Path(__file__).resolve().parents[1] / "out" / "story"
FLOAT, SHORT = 50_000, 1_000
NOTES = {"1,000": "1", "500": "1", "200": "2", "50": "1", "20": "2"}
COUNTED = 199_000
# Twelve sold and one given back: ten and the first for cash, one for a message that nobody has proved yet.
BOOKS = {
    "cash": 10 * PRICE - SHORT,
    "cash_over_short": SHORT,
    "mpesa_to_confirm": PRICE,
    "cost_of_goods": 11 * PRICE // 2,
    "inventory": (len(NAMES) * SHELF - 11) * PRICE // 2,
    "sales_revenue": -142_241,
    "vat_payable": -22_759,
}


@pytest.fixture
async def story(open_folder: Path) -> AsyncIterator[Story]:
    build()
    async with open_story(open_folder) as opened:
        yield opened


@pytest.fixture
async def till(story: Story, open_folder: Path) -> AsyncIterator[Till]:
    async with async_playwright() as playwright:
        started = await Till(playwright, story.api, story.shop, open_folder / "profile").start()
        try:
            yield started
            assert started.complaints == []
        finally:
            await started.kill()


class Album:
    """Pictures of the story, in its order."""

    def __init__(self, till: Till) -> None:
        self._till, self._count = till, 0
        OUT.mkdir(parents=True, exist_ok=True)
        for old in OUT.glob("*.png"):
            old.unlink()

    async def take(self, name: str) -> None:
        self._count += 1
        await self._till.page.screenshot(path=OUT / f"{self._count:02}-{name}.png")


async def verdict(page: Page, state: str) -> None:
    await expect(page.locator(".verdict")).to_have_attribute("data-state", state, timeout=SLOW)


async def unsent(page: Page, count: int) -> None:
    await expect(page.locator(f'a.sync[data-unsent="{count}"]')).to_be_visible(timeout=60_000)


async def install(till: Till) -> None:
    """Make the browser a till that opens by itself, with Achieng at it."""
    await till.register()
    await till.log_in("Achieng")
    await till.page.evaluate("navigator.serviceWorker.ready")
    await till.page.wait_for_function("navigator.serviceWorker.controller !== null")


async def open_shift(page: Page) -> None:
    await page.goto("/till/#/shift")
    await page.get_by_label("Float, KES").fill("500")
    await page.get_by_role("button", name="Open shift").click()
    await verdict(page, "applied")


async def close_blind(page: Page) -> None:
    """Count what lies in the drawer, which is ten shillings less than should, without being told what should."""
    await page.goto("/till/#/shift")
    await page.get_by_role("button", name="Count and close").click()
    assert "2,000" not in await page.locator("main").inner_text()
    for label, count in NOTES.items():
        await page.get_by_label(label, exact=True).fill(count)
    await page.get_by_role("button", name="Close the shift").click()
    await verdict(page, "pending")


async def give_back(page: Page) -> None:
    """Refund the whole of the sale that is shown, with the manager's PIN."""
    await page.get_by_role("button", name="Refund").click()
    await page.get_by_role("button", name="All of it").click()
    await page.get_by_label("Reason").fill("Torn bag")
    await page.get_by_role("button", name="Give back KES 150").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Mutiso").click()
    await page.keyboard.type(PIN)
    await dialog.get_by_role("button", name="Continue").click()
    await verdict(page, "pending")


async def sell_to_a_new_customer_for_a_claim(page: Page, code: str) -> str:
    """Sell one to somebody whom nobody knows yet, who shows a message of M-Pesa."""
    await page.goto("/till/#/sell")
    await page.get_by_role("listitem").get_by_role("button", name=NAMES[0]).click()
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


async def send_while_everything_dies(till: Till, story: Story) -> None:
    """Send, and kill API, PostgreSQL, and both once more, each while one sale stands half done and others wait behind it."""
    ends = ((story.api.kill, story.start_api), (story.kill_postgres, story.start_postgres)) * 2
    before = await story.settled()
    for name, (kill, start) in zip(NAMES[1:], ends, strict=True):
        async with Held(story, name):
            await till.cut(off=False)
            await until(partial(_stands_still, till, story, done=before + 2 * NAMES.index(name)), seconds=60)
            kill()
            await expect(till.page.locator("a.sync[data-online=false]")).to_be_visible(timeout=SLOW)
            # What tries again by itself would be past the next place before that is held.
            await till.cut()
        await start()
    await till.cut(off=False)


async def _stands_still(till: Till, story: Story, *, done: int) -> bool:
    await till.page.get_by_role("button", name="Try now").click()
    return await story.settled() == done


async def test_a_day_without_a_network_arrives_once(till: Till, story: Story):
    page, shop, album = till.page, story.shop, Album(till)
    await expect(page.get_by_label("Registration code")).to_be_visible()
    await album.take("registration")
    await install(till)
    await open_shift(page)
    receipts = [await till.sell(NAMES[0])]
    await verdict(page, "applied")
    await album.take("sold-online")

    await till.cut()
    receipts += [await till.sell(name) for name in NAMES for _ in range(2)]
    await album.take("sold-offline")
    given_back = receipts[-1]
    await give_back(page)
    await album.take("refunded-offline")
    code = new_receipt()
    receipts.append(await sell_to_a_new_customer_for_a_claim(page, code))
    await album.take("claim-offline")
    await close_blind(page)
    await album.take("shift-closed-offline")
    await unsent(page, 14)

    await till.kill()
    await till.start()
    page = till.page
    await unsent(page, 14)
    await till.shows(pending=11, applied=1)
    await album.take("after-the-kill")

    await page.goto("/till/#/sync")
    await album.take("before-sending")
    await send_while_everything_dies(till, story)
    await page.get_by_role("button", name="Try now").click()
    await unsent(page, 0)
    await till.settled(12)
    await expect(page.get_by_text("Confirmed")).to_have_count(12)
    await album.take("all-confirmed")

    assert await sold_receipts(shop) == [each for each in sorted(receipts) if each != given_back]
    assert await shop.rows("select receipt_number from sales where business_id = $1 order by receipt_number") == [
        (each,) for each in sorted(receipts)
    ]
    assert await shop.rows("select state, amount_cents from refunds where business_id = $1") == [("completed", PRICE)]
    assert await shop.value("select count(*) from customers where business_id = $1") == 1
    assert await shop.rows(
        "select mpesa_receipt_number, assurance from payments where business_id = $1 and method = 'mpesa_claim'"
    ) == [(code, "claimed")]
    assert [await on_hand(shop, each) for each in story.shelf.values()] == [SHELF - 4, *[SHELF - 2] * 3, SHELF - 1]
    assert await shop.rows(
        "select state, float_cents, counted_cents, difference_cents from shifts where business_id = $1"
    ) == [("closed", FLOAT, COUNTED, -SHORT)]
    assert await shop.rows("select status, count(*) from sync_commands where business_id = $1 group by 1") == [
        ("applied", 16)
    ]
    balances = await shop.balances()
    assert {name: balances[name] for name in BOOKS} == BOOKS
    await assert_invariants(shop.database, shop.business_id)
