"""A busy counter: a shop with a manager and a cashier, things with long names on the shelf, a customer who may owe, and a till.

Not a plugin; a test imports the fixtures it needs. Axe is injected as a debugger would, so the page's content policy holds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, async_playwright, expect

from payme.features.credit import OpenCreditAccount, open_account
from payme.features.customers import CreateCustomer, create_customer
from payme.features.identity import Role
from tests.api_process import ApiProcess
from tests.browser.till_room import SLOW, Till
from tests.staff import PIN, hire
from tests.stock_room import make_product, receive
from tests.trade import TradingShop
from tools.web import WEB, build

AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
SHELF = 20
PRODUCTS = (
    ("Sukari 1 kg", 15_000, "Groceries"),
    ("Maziwa 500 ml", 6_000, "Dairy"),
    ("Unga wa ngano Exe All Purpose Fortified 2 kg baler", 21_050, "Groceries"),
    ("Kimbo", 32_000, "Groceries"),
    ("Royco Mchuzi Mix Beef Flavour Sachets 24 × 8 g", 12_000, "Spices and seasoning"),
    ("Blue Band 250 g", 14_500, "Dairy"),
    ("Omo 500 g", 18_900, "Household"),
    ("Airtime 100", 10_000, "Airtime"),
)


@dataclass
class Counter:
    """A till with somebody at it, and what the test has to know of the shop."""

    till: Till
    shop: TradingShop
    api: ApiProcess
    products: dict[str, UUID]
    customer_id: UUID
    account_id: UUID

    @property
    def page(self) -> Page:
        return self.till.page

    async def go(self, screen: str) -> None:
        """Show a screen."""
        await self.page.goto(f"/till/#/{screen}")

    async def verdict(self, state: str) -> None:
        """Wait until what is on the screen has this verdict."""
        await expect(self.page.locator(".verdict")).to_have_attribute("data-state", state, timeout=SLOW)

    async def agree(self, name: str) -> None:
        """Let somebody agree with their PIN."""
        dialog = self.page.get_by_role("dialog")
        await dialog.get_by_role("button", name=name).click()
        await self.page.keyboard.type(PIN)
        await self.page.keyboard.press("Enter")

    async def sent(self) -> None:
        """Wait until nothing is unsent."""
        await expect(self.page.get_by_role("link", name="All sent")).to_be_visible(timeout=60_000)

    async def faults(self) -> list[str]:
        """Return what axe finds wrong with what is on the screen."""
        await self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = await self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    build()


@pytest.fixture
def flags() -> tuple[str, ...]:
    """What the browser is started with besides; a test that wants a camera says so."""
    return ()


@pytest.fixture
async def counter(
    api: ApiProcess, shop: TradingShop, open_folder: Path, flags: tuple[str, ...]
) -> AsyncIterator[Counter]:
    """The cashier Achieng at a till, the manager Otieno somewhere in the shop, twenty of each thing."""
    await hire(shop, Role.CASHIER, "Achieng")
    await hire(shop, Role.MANAGER, "Otieno")
    products: dict[str, UUID] = {}
    for name, price_cents, category in PRODUCTS:
        products[name] = await make_product(shop, name=name, price_cents=price_cents, category=category)
        await receive(shop, products[name], str(SHELF), price_cents * SHELF // 2)
    person = CreateCustomer(name="Wanjiku wa Kamau Hardware and General Supplies", phone="0712345678")
    customer = await shop.run(lambda uow: create_customer(uow, person))
    wanted = OpenCreditAccount(customer_id=customer.id, limit_cents=200_000)
    account = await shop.run(lambda uow: open_account(uow, wanted))
    async with async_playwright() as playwright:
        till = await Till(playwright, api, shop, open_folder / "profile", flags=flags).start()
        try:
            await till.register()
            await till.log_in("Achieng")
            await till.page.evaluate("navigator.serviceWorker.ready")
            yield Counter(till, shop, api, products, customer.id, account.id)
            assert till.complaints == []
        finally:
            await till.kill()
