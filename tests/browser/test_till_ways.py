"""How goods and money find their way into a till: the camera, a pasted message, and the manual way while M-Pesa is down."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

from payme.features.payments.repository import turns
from tests.browser.counter_room import Counter, _built, counter
from tests.browser.fake_camera import film
from tests.browser.till_room import SLOW
from tests.stack import until
from tests.stock_room import make_product
from tools.ensure_chromium import MISSING, find_chromium

__all__ = ["_built", "counter"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason=MISSING),
    pytest.mark.timeout(240),
]
CODE = "6161100100015"
SMS = "UKN8RT2K1P Confirmed. Ksh150.00 paid to DUKA BORA on 23/11/26 at 1:05 PM. New M-PESA balance is Ksh9.00."

# The line of a printer, as the browser would show it: what is written to it lies in `printed`.
SERIAL_PRINTER = """
globalThis.printed = []; globalThis.portIsClosed = false; globalThis.unplugged = false;
const port = {
  writable: null,
  async open() {
    if (unplugged) throw new DOMException("gone", "NetworkError");
    portIsClosed = false;
    this.writable = new WritableStream({ write: (chunk) => void printed.push(...chunk) });
  },
  async close() { portIsClosed = true; },
};
Object.defineProperty(navigator, "serial", { value: { requestPort: async () => port, getPorts: async () => [port] } });
"""


@pytest.fixture
def flags(open_folder: Path) -> tuple[str, ...]:
    return (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film(CODE, open_folder / 'camera.y4m')}",
    )


async def test_the_camera_reads_a_barcode_by_what_lies_on_the_device(counter: Counter):
    page = counter.page
    await make_product(counter.shop, name="Chai Bora 100 g", price_cents=9_500, barcodes=[CODE])
    await counter.go("sync")
    await page.get_by_role("button", name="Try now").click()
    await counter.go("sell")
    await expect(page.get_by_role("listitem").filter(has_text="Chai Bora")).to_be_visible(timeout=90_000)
    counter.api.kill()
    await page.get_by_role("button", name="Scan with the camera").click()
    await expect(page.get_by_role("dialog").get_by_text("Chai Bora 100 g")).to_be_visible(timeout=SLOW)
    await page.wait_for_timeout(1_000)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Charge KES 95", exact=True).first).to_be_visible()


async def test_a_message_is_pasted_with_and_without_a_network(counter: Counter):
    page = counter.page
    await page.get_by_role("listitem").get_by_role("button", name="Sukari").click()
    await counter.go("pay")
    await page.get_by_role("radio", name="Code").click()
    await page.get_by_label("M-Pesa code").fill(SMS)
    await expect(page.get_by_text("UKN8RT2K1P", exact=True)).to_be_visible()
    await expect(page.get_by_text("23 Nov 2026, 13:05")).to_be_visible(timeout=SLOW)
    counter.api.kill()
    await page.get_by_label("M-Pesa code").fill(SMS.replace("150.00", "100.00"))
    await page.get_by_role("button", name="Charge KES 100").click()
    await expect(page.locator("[data-due]")).to_have_text("KES 50")
    await page.get_by_role("radio", name="Cash").click()
    await page.get_by_role("button", name="Charge KES 50").click()
    await expect(page.get_by_role("article", name="Receipt")).to_contain_text("UKN8RT2K1P")


async def test_while_prompts_are_down_a_banner_shows_the_manual_way(counter: Counter):
    page = counter.page
    until = timedelta(minutes=5)
    await counter.shop.run(lambda uow: turns.store_outage(uow, "stkpush", rests_until=uow.now + until))
    await page.get_by_role("listitem").get_by_role("button", name="Sukari").click()
    await counter.go("pay")
    banner = page.get_by_role("status").filter(has_text="M-Pesa prompts are not working now.")
    await expect(banner).to_be_visible(timeout=SLOW)
    await banner.get_by_role("button", name="M-Pesa, already paid").click()
    await expect(page.get_by_label("M-Pesa code")).to_be_visible()


async def test_a_serial_printer_gets_the_receipt_in_bytes_that_it_understands(counter: Counter):
    page = counter.page
    await page.evaluate(SERIAL_PRINTER)
    await counter.go("printer")
    await page.get_by_label("58 mm").check(force=True)
    await page.get_by_label("Serial or Bluetooth").check(force=True)
    await counter.till.sell("Sukari", "Unga")
    await page.get_by_role("button", name="Print", exact=True).click()
    await until(lambda: page.evaluate("printed.length > 0 && portIsClosed"))
    text = bytes(await page.evaluate("printed")).decode("latin-1")
    assert text.startswith("\x1b@")
    assert "Total                 KES 360.50" in text
    assert "Unga wa ngano Exe All Purpose" in text
    assert "\x1dV" in text
    await page.evaluate("unplugged = true")
    await page.get_by_role("button", name="Print", exact=True).click()
    await expect(page.get_by_role("alert").filter(has_text="The printer does not answer.")).to_be_visible()
