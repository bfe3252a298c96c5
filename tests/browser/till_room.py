"""A till as a person has it: Chromium with a profile of its own, on a real API, in a shop with products and people with PINs.

Not a plugin; a conftest or a test imports what it needs. The browser can be killed as a phone kills it, and started again on what
it left behind. What is started here is ended here, by its own id.
"""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from uuid import UUID

from playwright.async_api import BrowserContext, Page, Playwright, expect

from payme.features.identity import MakeDeviceCode, make_code
from tests.api_process import ApiProcess
from tests.staff import PIN
from tests.trade import TradingShop
from tools.ensure_chromium import find_chromium

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LANGUAGE = "localStorage.setItem('payme-till-language', 'en')"
SLOW = 20_000


@dataclass
class Till:
    """One browser that is one device."""

    playwright: Playwright
    api: ApiProcess
    shop: TradingShop
    profile: Path
    width: int = 360
    scheme: str = "light"
    flags: tuple[str, ...] = ()
    is_offline: bool = False
    complaints: list[str] = field(default_factory=list)
    _context: BrowserContext | None = None

    async def start(self) -> Self:
        """Open the till's page in a browser on this profile."""
        self._context = await self.playwright.chromium.launch_persistent_context(
            self.profile,
            executable_path=find_chromium(),
            args=[*FLAGS, *self.flags],
            viewport={"width": self.width, "height": 780},
            color_scheme="dark" if self.scheme == "dark" else "light",
            base_url=self.api.base_url,
            offline=self.is_offline,
        )
        await self._context.add_init_script(LANGUAGE)
        page = self._context.pages[0] if self._context.pages else await self._context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto("/till/")
        return self

    @property
    def context(self) -> BrowserContext:
        assert self._context is not None, "the browser runs"
        return self._context

    @property
    def page(self) -> Page:
        return self.context.pages[0]

    async def cut(self, *, off: bool = True) -> None:
        """Take the network away from this browser, also when it is started again, or give it back."""
        self.is_offline = off
        await self.context.set_offline(off)

    async def close(self) -> None:
        """Close the browser in order."""
        if self._context is not None:
            with suppress(Exception):
                await self._context.close()
            self._context = None

    async def kill(self) -> None:
        """Kill every process of this browser at once, as a phone without memory does."""
        for pid in _processes_on(self.profile):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self.close()

    async def register(self, name: str = "Counter 1") -> None:
        """Make this browser a device of the shop."""
        code = await self.shop.run(lambda uow: make_code(uow, MakeDeviceCode(name=name)))
        await self.page.get_by_label("Registration code").fill(code.code)
        await self.page.get_by_role("button", name="Register this device").click()
        await expect(self.page.get_by_role("heading", name="Who is at the till?")).to_be_visible(timeout=SLOW)

    async def log_in(self, name: str, pin: str = PIN) -> None:
        """Put somebody at the till, by keyboard."""
        await self.page.get_by_role("button", name=name).click(timeout=SLOW)
        await self.page.keyboard.type(pin)
        await self.page.keyboard.press("Enter")
        await expect(self.page.get_by_role("search")).to_be_visible(timeout=SLOW)
        await expect(self.page.get_by_role("listitem").get_by_role("button").first).to_be_visible(timeout=SLOW)

    async def sell(self, *products: str, page: Page | None = None) -> str:
        """Sell products for exact cash and return the receipt number."""
        page = page or self.page
        await page.goto("/till/#/sell")
        for product in products:
            await page.get_by_role("listitem").get_by_role("button", name=product).click()
        await page.get_by_role("button", name="Charge KES").first.click()
        await expect(page.get_by_role("heading", name="Pay")).to_be_visible()
        await page.get_by_role("button", name="Charge KES").click()
        await expect(page.get_by_role("heading", name="Sold")).to_be_visible()
        return await page.get_by_role("article", name="Receipt").locator("header p").first.inner_text()

    async def shows(self, **states: int) -> None:
        """Wait until the list of today's sales shows so many in each state, and no others."""
        await self.page.goto("/till/#/sales")
        for state, count in states.items():
            await expect(self.page.locator(f'a[data-state="{state}"]')).to_have_count(count, timeout=SLOW)
        await expect(self.page.locator("a[data-state]")).to_have_count(sum(states.values()))

    async def settled(self, count: int) -> None:
        """Wait until the till shows so many confirmed sales and nothing unsent."""
        await self.page.goto("/till/#/sales")
        await expect(self.page.locator('a[data-state="applied"]')).to_have_count(count, timeout=60_000)
        await expect(self.page.get_by_role("link", name="All sent")).to_be_visible()


def _processes_on(profile: Path) -> list[int]:
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"--user-data-dir={profile}".encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


async def sold_receipts(shop: TradingShop) -> list[str]:
    """Return the receipt numbers of the shop's completed sales, in their order."""
    rows = await shop.rows(
        "select receipt_number from sales where business_id = $1 and status = 'completed' order by receipt_number"
    )
    return [row[0] for row in rows]


async def on_hand(shop: TradingShop, product_id: UUID) -> int:
    """Return how many are left, as the server has it."""
    return int(
        await shop.value("select on_hand from stock_levels where business_id = $1 and product_id = $2", product_id)
    )
