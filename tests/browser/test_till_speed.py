"""A till with a full shelf: its first pull is cut in the middle and goes on where it was; how fast it opens and finds is written down.

No time is asserted: it belongs to the machine. The figures lie in tests/out/till-speed.json. PAYME_TILL_PRODUCTS says how many
products there are, with a quarter as many customers; the whole count is 20,000.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from payme.features.identity import Role
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.api_process import ApiProcess
from tests.browser.counter_room import _built
from tests.browser.till_room import SLOW, Till
from tests.stack import until
from tests.staff import hire
from tests.trade import TradingShop
from tools.ensure_chromium import MISSING, find_chromium

__all__ = ["_built"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason=MISSING),
    pytest.mark.timeout(400),
]
OUT = Path(__file__).resolve().parents[1] / "out"
PRODUCTS = int(os.environ.get("PAYME_TILL_PRODUCTS", "2000"))
CUSTOMERS, PAGE, STARTS = PRODUCTS // 4, 500, 5
CUT_AFTER = PRODUCTS // PAGE // 2
SOUGHT = ("k", "ki", "kim", "kimbo", "kimbo 1", "baler", "zzz", "6161", "omo 7")
SEARCH = """async (sought) => {
  const field = document.querySelector("[role=search] input");
  const times = [];
  for (const text of sought) {
    const began = performance.now();
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await Promise.resolve();
    await Promise.resolve();
    const height = document.querySelector("main").offsetHeight;
    times.push({ text, ms: performance.now() - began, found: document.querySelectorAll(".tiles li button").length, height });
    await new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
  }
  return times;
}"""
MARKS = """() => Object.fromEntries(["till-mounted", "till-shelf"].map((name) => [name, performance.getEntriesByName(name)[0].startTime]))"""


async def fill(uow: UnitOfWork) -> None:
    """Put thousands of products and customers into the shop at once, each stamped as changed."""
    products, customers = [new_id() for _ in range(PRODUCTS)], [new_id() for _ in range(CUSTOMERS)]
    names = ("Kimbo", "Omo", "Unga wa ngano baler", "Sukari", "Maziwa", "Royco", "Blue Band", "Chai")
    await uow.execute(
        """insert into products (business_id, id, name, sku, category, price_cents, created_at, updated_at)
        select $1, id, ($3::text[])[1 + n % 8] || ' ' || n, '6161' || n, 'Shelf ' || n % 20, 100 * (1 + n % 900), $4, $4
        from unnest($2::uuid[]) with ordinality as t(id, n)""",
        uow.tenant, products, list(names), uow.now,
    )  # fmt: skip
    await uow.execute(
        """insert into customers (business_id, id, name, kind, created_at, created_by, updated_at)
        select $1, id, 'Mteja ' || n, 'regular', $3, $4, $3 from unnest($2::uuid[]) with ordinality as t(id, n)""",
        uow.tenant, customers, uow.now, new_id(),
    )  # fmt: skip
    for collection, ids in (("products", products), ("customers", customers)):
        for each in ids:
            uow.touch(collection, each)


class Line:
    """The way to the pages of products: it can be cut after so many, and remembers what was asked for and what came."""

    def __init__(self, after: int) -> None:
        self.left: int | None = after
        self.came: list[str] = []
        self.lost: list[str] = []

    async def carry(self, route: Route) -> None:
        place = json.dumps(parse_qs(urlsplit(route.request.url).query))
        if self.left == 0:
            self.lost.append(place)
            await route.abort()
            return
        if self.left is not None:
            self.left -= 1
        self.came.append(place)
        await route.continue_()


@pytest.fixture
async def till(api: ApiProcess, shop: TradingShop, open_folder: Path) -> AsyncIterator[Till]:
    await hire(shop, Role.CASHIER, "Achieng")
    await shop.run(fill)
    async with async_playwright() as playwright:
        started = await Till(playwright, api, shop, open_folder / "profile").start()
        try:
            yield started
            assert started.complaints == []
        finally:
            await started.kill()


async def count_of(page: Page, table: str) -> int:
    """Return how many rows the till keeps in a table."""
    return await page.evaluate(
        """(table) => new Promise((resolve) => {
          indexedDB.open("payme-till").onsuccess = ({ target: { result: opened } }) => {
            opened.transaction(table).objectStore(table).count().onsuccess = ({ target }) => { opened.close(); resolve(target.result); };
          };
        })""",
        table,
    )


async def pull_with_a_cut(till: Till) -> float:
    """Register, lose the line in the middle of the first pull, and get it back; return how long the rest took in seconds."""
    page, line = till.page, Line(CUT_AFTER)
    await till.context.route("**/sync/products/pull*", line.carry)
    await till.register()
    await till.log_in("Achieng")
    strip = page.get_by_role("status").filter(has_text=f"{CUT_AFTER * PAGE:,} received")
    await expect(strip).to_contain_text("The network is away. It goes on where it was.", timeout=60_000)
    OUT.mkdir(exist_ok=True)
    await page.screenshot(path=OUT / "till-first-pull.png")
    assert await count_of(page, "products") == CUT_AFTER * PAGE
    await page.goto("/till/#/sync")
    line.left = None
    began = time.monotonic()
    await page.get_by_role("button", name="Try now").click()
    await until(lambda: _has_all(page), seconds=200)
    took = time.monotonic() - began
    # It went on with the very page that was lost, and no page came twice.
    assert set(line.lost) == {line.came[CUT_AFTER]}
    first_pull = line.came[: PRODUCTS // PAGE + 1]
    assert len(set(first_pull)) == PRODUCTS // PAGE + 1
    await page.goto("/till/#/sell")
    await expect(page.get_by_text("received")).to_be_hidden()
    return took


async def _has_all(page: Page) -> bool:
    return await count_of(page, "products") == PRODUCTS and await count_of(page, "documents") >= CUSTOMERS


async def open_warm(till: Till) -> list[dict[str, float]]:
    """Open the till with no network, again and again; return when it was there and when its shelf was, in milliseconds."""
    await till.page.evaluate("navigator.serviceWorker.ready")
    await till.page.wait_for_function("navigator.serviceWorker.controller !== null")
    await till.cut()
    opened: list[dict[str, float]] = []
    for _ in range(STARTS):
        await till.page.reload()
        await expect(till.page.get_by_role("listitem").get_by_role("button").first).to_be_visible(timeout=SLOW)
        opened.append(await till.page.evaluate(MARKS))
    return opened


async def test_a_full_shelf_comes_over_a_cut_line_and_is_searched_and_opened_without_one(till: Till):
    took = await pull_with_a_cut(till)
    await expect(till.page.get_by_role("listitem").get_by_role("button").first).to_be_visible(timeout=SLOW)
    searched: list[dict[str, Any]] = await till.page.evaluate(SEARCH, SOUGHT)
    assert [each["found"] > 0 for each in searched] == [each != "zzz" for each in SOUGHT]
    opened = await open_warm(till)
    figures = {
        "products": PRODUCTS,
        "customers": CUSTOMERS,
        "rest_of_first_pull_s": round(took, 1),
        "search_ms": {each["text"]: round(each["ms"], 1) for each in searched},
        "warm_start_ms": {
            name: round(statistics.median(each[name] for each in opened)) for name in ("till-mounted", "till-shelf")
        },
        "warm_starts_ms": [round(each["till-shelf"]) for each in opened],
    }
    (OUT / "till-speed.json").write_text(json.dumps(figures, indent=1))
    print(json.dumps(figures))  # noqa: T201 - the figures are what it is run for
