"""What a till does when the server comes back, and what it says while it waits: its session, its credential, its conflicts, late answers.

Each starts at the counter of its own shop; the server is frozen, cut off or killed as the thing asks for.
"""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from playwright.async_api import Page, Route, expect

from payme.features.identity import MakeDeviceCode, make_code
from payme.features.payments.enums import Outcome, Source
from payme.features.payments.repository import turns
from payme.features.payments.rules.transitions import Message
from payme.features.sync import register_device
from payme.features.sync.schemas.devices import DeviceRegistered, RegisterDevice
from tests.browser.counter_room import SHELF, Counter, _built, counter, flags
from tests.browser.test_till_ways import SERIAL_PRINTER
from tests.browser.till_room import SLOW, on_hand, sold_receipts
from tests.invariants import assert_invariants
from tests.stack import until
from tests.sync_client import Device
from tools.ensure_chromium import MISSING, find_chromium

__all__ = ["_built", "counter", "flags"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason=MISSING),
    pytest.mark.timeout(240),
]
SUGAR = "Sukari 1 kg"
KEPT = """async (change) => {
  const opened = await new Promise((resolve, reject) => {
    const asked = indexedDB.open("payme-till"); asked.onsuccess = () => resolve(asked.result); asked.onerror = reject;
  });
  const kept = opened.transaction("kept", "readwrite").objectStore("kept");
  const device = await new Promise((resolve) => { kept.get("device").onsuccess = (event) => resolve(event.target.result); });
  if (change) { Object.assign(device.value, change); kept.put(device); }
  opened.close();
  return device.value;
}"""


async def try_now(page: Page) -> None:
    await page.goto("/till/#/sync")
    await page.get_by_role("button", name="Try now").click()


async def test_a_person_who_came_without_a_network_is_known_as_soon_as_there_is_one(counter: Counter):
    page, shop = counter.page, counter.shop
    await shop.run(lambda uow: turns.store_outage(uow, "stkpush", rests_until=uow.now + timedelta(minutes=5)))
    await counter.go("more")
    await page.get_by_role("button", name="Lock the till").click()
    await counter.till.cut()
    await counter.till.log_in("Achieng")
    await page.get_by_role("listitem").get_by_role("button", name=SUGAR).click()
    await counter.go("pay")
    banner = page.get_by_role("status").filter(has_text="M-Pesa prompts are not working now.")
    await expect(banner).to_be_hidden()
    await counter.till.cut(off=False)
    await try_now(page)
    await counter.go("pay")
    await expect(banner).to_be_visible(timeout=SLOW)


async def test_a_credential_whose_answer_was_lost_is_asked_for_again(counter: Counter):
    page, shop = counter.page, counter.shop
    await counter.sent()
    old = (await page.evaluate(KEPT))["credential"]
    lost: list[int] = []

    async def lose(route: Route) -> None:
        if lost:
            await route.continue_()
            return
        lost.append((await route.fetch()).status)
        await route.abort()

    await counter.till.context.route("**/devices/me/credential", lose)
    await page.evaluate(KEPT, {"since": 0})
    await page.reload()
    await until(lambda: _tells(lost))
    # The server has made one that this till never heard of, and the old one still sells.
    assert lost == [201]
    assert (await page.evaluate(KEPT))["credential"] == old
    await counter.till.sell(SUGAR)
    await try_now(page)
    await until(lambda: _is_new(page, old), seconds=20)
    receipt = await counter.till.sell(SUGAR)
    await counter.verdict("applied")
    await counter.till.settled(2)
    assert receipt in await sold_receipts(shop)
    assert await shop.value("select count(*) from devices where business_id = $1 and next_hash is not null") == 0


async def _tells(lost: list[int]) -> bool:
    return bool(lost)


async def _is_new(page: Page, old: str) -> bool:
    return (await page.evaluate(KEPT))["credential"] != old


async def another_device(counter: Counter, name: str) -> DeviceRegistered:
    code = await counter.shop.run(lambda uow: make_code(uow, MakeDeviceCode(name=name)))
    return await register_device(counter.shop.database, RegisterDevice(code=code.code))


def client_of(counter: Counter, device_id: str, credential: str) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {credential}", "X-Device-Id": device_id, "X-Sync-Protocol": "1"}
    base = f"{counter.api.base_url}/v1/businesses/{counter.shop.business_id}/"
    return httpx2.AsyncClient(base_url=base, headers=headers, trust_env=False)


async def test_a_customer_changed_on_two_devices_is_settled_by_a_choice(counter: Counter):
    page, shop = counter.page, counter.shop
    mine: dict[str, Any] = await page.evaluate(KEPT)
    other = await another_device(counter, "Counter 2")
    customer = str(counter.customer_id)
    async with (
        client_of(counter, mine["device_id"], mine["credential"]) as here,
        client_of(counter, str(other.device_id), other.credential) as there,
    ):
        devices = Device(there, "customers"), Device(here, "customers")
        for device in devices:
            await device.pull()
        assert await devices[0].push(devices[0].edit(customer, name="Wanjiku Hardware")) == []
        assert len(await devices[1].push(devices[1].edit(customer, name="Mama Kamau"))) == 1
    await counter.go("more")
    await page.get_by_role("button", name="Lock the till").click()
    await counter.till.log_in("Otieno")
    await counter.go("attention")
    tray = page.get_by_role("region", name="Two changes of the same thing")
    await expect(tray.get_by_text("Name", exact=True)).to_be_visible(timeout=SLOW)
    for side, words, name in (
        ("base", "Before", "Wanjiku wa Kamau Hardware and General Supplies"),
        ("client", "From this till", "Mama Kamau"),
        ("server", "Stored now", "Wanjiku Hardware"),
    ):
        await expect(tray.locator(f'[data-side="{side}"]')).to_contain_text(words)
        await expect(tray.locator(f'[data-side="{side}"]')).to_contain_text(name)
    assert await counter.faults() == []
    await tray.get_by_role("button", name="From this till").click()
    await expect(page.get_by_text("Nothing to look at. All is well.")).to_be_visible(timeout=SLOW)
    assert await shop.value("select name from customers where business_id = $1") == "Mama Kamau"
    assert await shop.rows("select outcome, choice from sync_conflicts where business_id = $1") == [("open", "client")]
    await counter.go("customers")
    await expect(page.get_by_role("button", name="Mama Kamau")).to_be_visible(timeout=SLOW)


async def test_a_request_without_an_answer_becomes_a_fact_when_the_goods_have_left(counter: Counter):
    page, shop = counter.page, counter.shop
    await counter.sent()
    api_group = counter.api.pid
    os.killpg(api_group, signal.SIGSTOP)
    try:
        receipt = await counter.till.sell(SUGAR)
        anyway = page.get_by_role("button", name="Goods were handed over")
        await expect(anyway).to_be_hidden()
        await expect(anyway).to_be_visible(timeout=8_000)
        await expect(page.get_by_text("No answer yet. It is saved here and will be sent.")).to_be_visible()
        await anyway.click()
        await expect(anyway).to_be_hidden()
    finally:
        os.killpg(api_group, signal.SIGCONT)
    await counter.verdict("applied")
    assert await sold_receipts(shop) == [receipt]
    assert await on_hand(shop, counter.products[SUGAR]) == SHELF - 1
    await assert_invariants(shop.database, shop.business_id)


async def test_a_prompt_is_called_pending_unknown_and_paid_as_it_is(counter: Counter):
    page, shop = counter.page, counter.shop
    await page.get_by_role("listitem").get_by_role("button", name=SUGAR).click()
    await counter.go("pay")
    await page.get_by_role("radio", name="M-Pesa", exact=True).click()
    await page.get_by_label("phone").fill("0712 345 678")
    await page.get_by_role("button", name="Charge KES 150").click()
    prompt = page.locator("[data-payment]")
    await expect(prompt).to_be_visible(timeout=SLOW)
    payment: UUID = await shop.value("select id from payments where business_id = $1")
    assert await shop.value("select status from sales where business_id = $1") != "completed"
    await shop.say(payment, Message(Source.ACCEPTANCE, Outcome.UNKNOWN))
    await expect(prompt).to_have_attribute("data-payment", "unknown", timeout=SLOW)
    await expect(prompt).to_contain_text("M-Pesa has not answered. Look at the customer's SMS before you try again.")
    await shop.accept(payment)
    await expect(prompt).to_have_attribute("data-payment", "pending", timeout=SLOW)
    await expect(prompt).to_contain_text("They enter their M-Pesa PIN on their phone.")
    await expect(prompt.get_by_role("button", name="Ask M-Pesa now")).to_be_visible()
    await shop.paid(payment, 15_000)
    await expect(prompt).to_have_attribute("data-payment", "succeeded", timeout=SLOW)
    assert await shop.value("select status from sales where business_id = $1") == "completed"


async def test_a_sale_is_walked_by_keys_alone_and_the_closed_shift_goes_to_the_printer(counter: Counter):
    page, shop = counter.page, counter.shop
    await page.evaluate(SERIAL_PRINTER)
    await counter.go("printer")
    await page.get_by_label("58 mm").check(force=True)
    await page.get_by_label("Serial or Bluetooth").check(force=True)
    await counter.go("shift")
    await page.get_by_label("Float, KES").fill("500")
    await page.keyboard.press("Enter")
    await counter.verdict("applied")
    await counter.go("sell")
    await expect(page.get_by_role("search")).to_be_visible()
    for typed in ("suk", "mazi"):
        await page.keyboard.press("F2")
        await page.keyboard.type(typed, delay=70)  # a person; what comes faster is a scanner
        await page.keyboard.press("Enter")
    await page.keyboard.press("F9")
    await expect(page.get_by_role("heading", name="Pay")).to_be_visible()
    await page.keyboard.type("250")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Sold")).to_be_visible()
    await expect(page.locator(".change")).to_contain_text("KES 40")
    await counter.verdict("applied")
    assert await shop.rows("select total_cents, status from sales where business_id = $1") == [(21_000, "completed")]
    await counter.go("shift")
    await page.get_by_role("button", name="Count and close").click()
    await page.get_by_label("500", exact=True).fill("1")
    await page.get_by_label("200", exact=True).fill("1")
    await page.get_by_role("button", name="Close the shift").click()
    await counter.verdict("applied")
    await expect(page.get_by_text("The drawer is short by KES 10.")).to_be_visible()
    await page.get_by_role("button", name="Print", exact=True).click()
    await until(lambda: page.evaluate("printed.length > 0 && portIsClosed"))
    text = bytes(await page.evaluate("printed")).decode("latin-1")
    assert text.startswith("\x1b@")
    assert "Shift closed" in text, text
    assert "Counted                  KES 700" in text, text
    assert "Expected                     710" in text, text
    assert "Difference                   -10" in text, text
    assert "Achieng" in text
