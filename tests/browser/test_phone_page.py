"""The phone page in Chromium: a person pays, cancels, mistypes, ignores, at a phone's width and by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.contracts.simulator.conftest import NOON, Shop
from tests.simulator import CallbackReceiver, SimulatorProcess
from tools.ensure_chromium import MISSING, find_chromium

CHROMIUM = find_chromium()
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = "254711222355"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason=MISSING),
]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess("--seed", "7", "--frozen", "--now", NOON.isoformat()) as simulator:
        yield simulator


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
def receiver() -> Iterator[CallbackReceiver]:
    with CallbackReceiver() as receiver:
        yield receiver


@pytest.fixture
async def shop(simulator: SimulatorProcess, receiver: CallbackReceiver) -> AsyncIterator[Shop]:
    await simulator.control.reset()
    async with httpx2.AsyncClient(base_url=simulator.base_url, trust_env=False) as client:
        shop = Shop(client, receiver.url())
        await shop.authorize()
        yield shop


@pytest.fixture
async def page(simulator: SimulatorProcess, shop: Shop, browser: Browser) -> AsyncIterator[Page]:
    """A phone 360 pixels wide; anything the page complains about in its console fails the test."""
    context = await browser.new_context(viewport={"width": 360, "height": 740}, base_url=simulator.base_url)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(f"/phone/{PHONE}")
    yield page
    await context.close()
    assert complaints == []


async def test_a_person_pays_with_the_pad_and_gets_a_message(page: Page, shop: Shop, receiver: CallbackReceiver):
    await shop.pushed(PHONE, 300)
    await expect(page.get_by_role("form")).to_contain_text("Do you want to pay KES 300 to DUKA LA MFANO")
    for digit in "1234":
        await page.get_by_role("button", name=digit, exact=True).click()
    await page.get_by_role("button", name="OK").click()
    callback = await receiver.next()
    message = page.get_by_role("list", name="Messages").get_by_role("listitem")
    await expect(message).to_contain_text(f"{callback.items['MpesaReceiptNumber']} Confirmed. Ksh300.00 sent to")
    await expect(message).to_contain_text("for account INV-42 on 22/11/26 at 12:00 PM. New balance is Ksh499,700.00.")
    await expect(page.locator("#result")).to_have_text("Paid KES 300.")
    await expect(page.locator(".prompt")).to_have_count(0)


async def test_the_keyboard_alone_pays(page: Page, shop: Shop, receiver: CallbackReceiver):
    await shop.pushed(PHONE, 300)
    await expect(page.get_by_label("Enter your PIN")).to_be_focused()
    await page.keyboard.type("1234")
    await page.keyboard.press("Enter")
    assert (await receiver.next()).stk["ResultCode"] == 0


@pytest.mark.parametrize("by", ["button", "key"])
async def test_a_person_cancels(page: Page, shop: Shop, receiver: CallbackReceiver, by: str):
    await shop.pushed(PHONE)
    await expect(page.get_by_label("Enter your PIN")).to_be_focused()
    if by == "button":
        await page.get_by_role("button", name="Cancel").click()
    else:
        await page.keyboard.press("Escape")
    assert (await receiver.next()).stk["ResultCode"] == 1032
    await expect(page.locator("#result")).to_have_text("Cancelled. Nothing was paid.")


async def test_a_wrong_pin_pays_nothing(page: Page, shop: Shop, receiver: CallbackReceiver):
    await shop.pushed(PHONE)
    for name in ("9", "9", "Erase the last digit", "8", "7", "6", "5"):
        await page.get_by_role("button", name=name, exact=True).click()
    assert await page.get_by_label("Enter your PIN").input_value() == "9876"
    await page.get_by_role("button", name="OK").click()
    assert (await receiver.next()).stk["ResultCode"] == 2001
    await expect(page.locator("#result")).to_have_text("Wrong PIN. Nothing was paid.")
    await expect(page.locator("#messages li")).to_have_count(0)


async def test_an_ignored_prompt_goes_unanswered(
    page: Page, shop: Shop, simulator: SimulatorProcess, receiver: CallbackReceiver
):
    await shop.pushed(PHONE)
    await page.get_by_role("button", name="Ignore").click()
    await expect(page.locator(".prompt")).to_have_count(0)
    assert receiver.arrived == []
    await simulator.control.advance(60)
    assert (await receiver.next()).stk["ResultCode"] == 1037
    await expect(page.locator("#result")).to_have_text("Not answered in time. Nothing was paid.")


async def test_a_number_that_pays_by_itself_is_shown_doing_so(
    page: Page, shop: Shop, simulator: SimulatorProcess, receiver: CallbackReceiver
):
    await page.goto("/phone/254711222300")
    await shop.pushed("254711222300", 450)
    await expect(page.locator(".prompt")).to_contain_text("This number answers by itself in a moment.")
    await simulator.control.advance(3)
    await expect(page.locator("#messages li")).to_contain_text("Ksh450.00")
    assert len(receiver.arrived) == 1


async def test_phones_that_are_asked_are_listed_and_opened(page: Page, shop: Shop):
    await page.goto("/phone")
    await expect(page.get_by_role("heading", name="No phone chosen")).to_be_visible()
    await shop.pushed(PHONE)
    await page.get_by_role("link", name="0711 222 355").click()
    await expect(page.get_by_role("heading", name="0711 222 355")).to_be_visible()
    await page.get_by_label("Open a phone by its number").fill("+254 722 000 100")
    await page.get_by_role("button", name="Open").click()
    await page.wait_for_url("**/phone/254722000100")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")])
async def test_nothing_is_cut_off_at_any_width(page: Page, shop: Shop, width: int, scheme: str):
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await page.set_viewport_size({"width": width, "height": 740})
    await shop.pushed(PHONE, 250_000)
    await expect(page.locator(".prompt")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_the_policy_allows_only_the_pages_own_files(simulator: SimulatorProcess):
    for path in ("/phone", f"/phone/{PHONE}", "/phone/assets/phone.js", "/phone/assets/phone.css"):
        answer = httpx2.get(simulator.base_url + path, trust_env=False)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'")
        assert "unsafe" not in policy
        assert "http" not in answer.text.replace("http://www.w3.org", "")


async def test_a_person_pays_a_till_without_being_asked(
    page: Page, shop: Shop, simulator: SimulatorProcess, receiver: CallbackReceiver
):
    await shop.register("651200")
    await page.get_by_text("Pay a till or paybill").click()
    await page.get_by_label("Till or paybill number").fill("5651201")
    await page.get_by_label("Amount in KES").fill("1200")
    await page.get_by_role("button", name="Pay", exact=True).click()
    assert (await receiver.next()).json["TransAmount"] == "1200.00"
    await expect(page.locator("#paid-by-hand")).to_have_text("Paid KES 1,200 to MAMA MBOGA STORES.")
    await expect(page.locator("#messages li")).to_contain_text("Ksh1,200.00 paid to MAMA MBOGA STORES")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_a_person_is_told_why_a_payment_by_hand_failed(page: Page, shop: Shop, simulator: SimulatorProcess):
    await simulator.control.wallet(PHONE, balance_cents=100)
    await page.get_by_text("Pay a till or paybill").click()
    await page.get_by_label("Till or paybill number").fill("650880")
    await page.get_by_label("Account number (paybill only)").fill("INV-42")
    await page.get_by_label("Amount in KES").fill("300")
    await page.get_by_role("button", name="Pay", exact=True).click()
    await expect(page.locator("#paid-by-hand")).to_have_text("Not paid: not enough money on this phone.")
    assert (await simulator.control.ledger())["payments"] == []
