"""The reference page in Chromium, on a phone and on a desk: complete, nothing wider than the screen, nothing in the console."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.api_process import ApiProcess
from tools.ensure_chromium import MISSING, find_chromium

CHROMIUM = find_chromium()
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason=MISSING),
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


async def open_page(browser: Browser, api: ApiProcess, width: int) -> tuple[Page, list[str]]:
    context = await browser.new_context(viewport={"width": width, "height": 800}, base_url=api.base_url)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    await page.goto("/")
    await expect(page).to_have_url(f"{api.base_url}/docs")
    return page, complaints


async def test_the_reference_fits_a_phone_and_a_desk(api: ApiProcess, browser: Browser) -> None:
    for width in (360, 1280):
        page, complaints = await open_page(browser, api, width)
        await expect(page.get_by_text("/v1/businesses/{business_id}/sales", exact=True).first).to_be_visible()
        assert await page.evaluate(WIDER) is False, width
        await page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        assert await page.evaluate(WIDER) is False, f"{width}, everything unfolded"
        assert complaints == []
        await page.context.close()


async def test_the_reference_can_be_searched(api: ApiProcess, browser: Browser) -> None:
    page, complaints = await open_page(browser, api, 360)
    await expect(page.get_by_text("/v1/token-packages", exact=True).first).to_be_visible()
    await page.get_by_label("Find").fill("tokens.exhausted")
    await expect(page.get_by_text("/v1/token-packages", exact=True).first).to_be_hidden()
    await expect(page.get_by_text("Sell a cart")).to_be_visible()
    assert complaints == []
    await page.context.close()
