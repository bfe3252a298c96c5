"""Every screen of the till, at a phone's and a desk's width, light and dark: axe finds nothing, and nothing is wider than the screen.

The pictures lie in tests/out/till afterwards, for people to look at.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.counter_room import Counter, _built, counter, flags
from tests.browser.till_room import SLOW
from tests.staff import PIN
from tools.ensure_chromium import MISSING, find_chromium

__all__ = ["_built", "counter", "flags"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason=MISSING),
    pytest.mark.timeout(600),
]
MEDIA_BOX = re.compile(rb"/MediaBox \[0 0 ([\d.]+) ")
OUT = Path(__file__).resolve().parents[1] / "out" / "till"
PHONE, DESK = 360, 1280
HEIGHTS = {PHONE: 780, DESK: 800}
MILK, SUGAR, FLOUR = "Maziwa 500 ml", "Sukari 1 kg", "Unga wa ngano Exe All Purpose Fortified 2 kg baler"


async def test_a_receipt_is_all_that_is_printed_and_as_wide_as_the_roll(counter: Counter):
    page = counter.page
    OUT.mkdir(parents=True, exist_ok=True)
    await counter.till.sell(FLOUR, MILK)
    await counter.verdict("applied")
    for width, points in (("80 mm", 227), ("58 mm", 164)):
        await counter.go("printer")
        await page.get_by_label(width).check(force=True)
        await counter.go("sales")
        await page.locator("a[data-state]").first.click()
        await page.get_by_role("button", name="Print", exact=True).click()
        boxes = MEDIA_BOX.findall(await page.pdf(prefer_css_page_size=True))
        assert [round(float(box)) for box in boxes] == [points]
        await page.emulate_media(media="print")
        await page.set_viewport_size({"width": points * 96 // 72, "height": 700})
        await page.screenshot(path=OUT / f"receipt-printed-{width[:2]}.png")
        await expect(page.get_by_text("Total KES")).to_be_visible()
        for unprinted in ("New sale", "Print", "Refund"):
            await expect(page.get_by_role("button", name=unprinted, exact=True)).to_be_hidden()
        await expect(page.get_by_text("All sent")).to_be_hidden()
        assert await page.evaluate("document.documentElement.scrollWidth") <= points * 96 // 72
        await page.emulate_media(media="screen")
        await page.set_viewport_size({"width": PHONE, "height": HEIGHTS[PHONE]})


class Eye:
    """Looks at a screen in every size and light, and keeps what is wrong with it."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.faults: list[str] = []
        OUT.mkdir(parents=True, exist_ok=True)

    async def look(self, name: str) -> None:
        page = self.counter.page
        for width, height in HEIGHTS.items():
            await page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
                place = f"{name}-{width}-{scheme}"
                await page.screenshot(path=OUT / f"{place}.png")
                self.faults += [f"{place}: {each}" for each in await self.counter.faults()]
            if await page.evaluate("document.documentElement.scrollWidth") > width:
                self.faults.append(f"{name}-{width}: wider than the screen")
        await page.set_viewport_size({"width": PHONE, "height": HEIGHTS[PHONE]})

    def found(self) -> list[str]:
        """Return the faults, which lie beside the pictures too."""
        (OUT / "faults.txt").write_text("\n\n".join(self.faults))
        return self.faults

    async def visit(self, screen: str, name: str = "") -> None:
        await self.counter.go(screen)
        await expect(self.counter.page.locator("h1, form[role=search]").first).to_be_visible(timeout=SLOW)
        await self.counter.page.wait_for_timeout(150)
        await self.look(name or screen.replace("/", "-"))


async def test_selling_and_paying(counter: Counter):
    page, eye = counter.page, Eye(counter)
    await eye.look("sell-empty")
    for name in (SUGAR, FLOUR, FLOUR, "Royco"):
        await page.get_by_role("listitem").get_by_role("button", name=name).first.click()
    await eye.look("sell")
    await page.get_by_role("button", name="3 items").click()
    await eye.look("cart")
    await page.get_by_role("button", name="Discount").click()
    await eye.look("discount")
    await page.keyboard.press("Escape")
    await page.locator(".panel li button").first.click()
    await eye.look("line")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Customer").click()
    await page.get_by_role("button", name="Wanjiku").click()
    await eye.visit("pay", "pay-cash")
    for way in ("M-Pesa", "Code", "Credit", "Card"):
        await page.get_by_role("radio", name=way, exact=True).click()
        if way == "Credit":
            await expect(page.get_by_text("May still buy for")).to_be_visible(timeout=SLOW)
        await eye.look(f"pay-{way.lower()}")
    await page.get_by_role("radio", name="Cash").click()
    await page.keyboard.type("1000")
    await eye.look("pay-change")
    await page.keyboard.press("Enter")
    await counter.verdict("applied")
    await eye.look("receipt")
    await page.get_by_role("button", name="Refund").click()
    await expect(page.get_by_role("heading", name="Refund")).to_be_visible()
    await eye.look("refund-empty")
    await page.get_by_role("button", name=f"{FLOUR}: one more").click()
    await page.get_by_role("button", name="Give back").click()
    await eye.look("refund")
    await page.get_by_label("Reason").fill("Weevils in it")
    await page.get_by_role("button", name="Give back").click()
    await counter.verdict("applied")
    await eye.look("refund-done")
    await page.get_by_role("button", name="Done").click()
    await counter.till.sell(MILK)
    await counter.verdict("applied")
    await page.get_by_role("button", name="Undo the sale").click()
    await page.get_by_label("Reason").fill("Wrong customer")
    await eye.look("void")
    await page.get_by_role("button", name="Undo the sale of").click()
    await eye.look("consent")
    await page.get_by_role("dialog").get_by_role("button", name="Otieno").click()
    await eye.look("consent-pin")
    await page.keyboard.type(PIN)
    await page.keyboard.press("Enter")
    await counter.verdict("applied")
    await eye.visit("sales")
    assert eye.found() == []


async def test_the_rest_of_the_day(counter: Counter):
    page, eye = counter.page, Eye(counter)
    for screen in (
        "more",
        "shift",
        "expense",
        "customers",
        "stock",
        "receive",
        "printer",
        "attention",
        "sync",
        "sales",
    ):
        await eye.visit(screen, f"{screen}-first")
    await counter.go("shift")
    await page.get_by_label("Float, KES").fill("2,000")
    await page.get_by_role("button", name="Open shift").click()
    await counter.verdict("applied")
    await eye.look("shift-opened")
    await eye.visit("shift")
    await page.get_by_role("button", name="Count and close").click()
    for label, count in (("1,000", "2"), ("50", "1")):
        await page.get_by_label(label, exact=True).fill(count)
    await eye.look("shift-count")
    await page.get_by_role("button", name="Close the shift").click()
    await counter.verdict("applied")
    await eye.look("shift-closed")
    await eye.visit("customers")
    await page.get_by_role("button", name="Wanjiku").click()
    await eye.look("customer")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="New customer").click()
    await page.get_by_role("dialog").get_by_label("Phone").fill("12")
    await page.get_by_role("dialog").get_by_role("button", name="Add").click()
    await eye.look("customer-add")
    await page.keyboard.press("Escape")
    await counter.go("receive")
    await page.get_by_role("button", name=FLOUR).click()
    await page.get_by_role("button", name="Put it into stock").click()
    await eye.look("receive")
    await counter.go("sell")
    await page.get_by_role("button", name="Scan with the camera").click()
    await expect(page.get_by_text("The camera cannot be used.")).to_be_visible(timeout=SLOW)
    await eye.look("scan")
    await page.keyboard.press("Escape")
    assert eye.found() == []


async def test_with_no_network_and_with_trouble(counter: Counter):
    page, eye = counter.page, Eye(counter)
    await counter.till.sell(SUGAR)
    await counter.verdict("applied")
    counter.api.kill()
    await counter.till.sell(*[MILK] * 22)
    await eye.look("receipt-offline")
    await eye.visit("sync", "sync-offline")
    await eye.visit("stock")
    await counter.go("more")
    await page.get_by_role("button", name="Lock the till").click()
    await eye.look("login")
    await page.get_by_role("button", name="Achieng").click()
    await eye.look("login-pin")
    await page.keyboard.type(PIN)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("search")).to_be_visible(timeout=SLOW)
    await page.get_by_role("listitem").get_by_role("button", name=SUGAR).click()
    await counter.go("pay")
    await page.get_by_role("radio", name="M-Pesa", exact=True).click()
    await eye.look("pay-m-pesa-offline")
    counter.api.start()
    counter.api.wait_until_ready()
    await counter.go("sync")
    await page.get_by_role("button", name="Try now").click()
    await counter.sent()
    await eye.visit("attention")
    await page.evaluate("localStorage.setItem('payme-till-language', 'sw')")
    await counter.go("more")
    await page.get_by_role("button", name="Lugha").click()
    for screen in ("sell", "more", "attention", "expense", "shift"):
        await eye.visit(screen, f"{screen}-swahili")
    assert eye.found() == []
