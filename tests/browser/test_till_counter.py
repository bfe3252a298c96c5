"""What a till does besides selling, in Chromium: giving back, undoing, counting a drawer, spending, receiving, customers, credit.

Each is done as a person does it and looked up on the server afterwards; some of it with the server gone.
"""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.counter_room import SHELF, Counter, _built, counter, flags
from tests.browser.till_room import SLOW, on_hand
from tests.invariants import assert_invariants
from tools.ensure_chromium import MISSING, find_chromium

__all__ = ["_built", "counter", "flags"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason=MISSING),
    pytest.mark.timeout(240),
]
SUGAR, MILK, FLOUR, FAT = (
    "Sukari 1 kg",
    "Maziwa 500 ml",
    "Unga wa ngano Exe All Purpose Fortified 2 kg baler",
    "Kimbo",
)


async def test_a_refund_with_no_network_goes_back_by_line_with_the_managers_pin(counter: Counter):
    page = counter.page
    counter.api.kill()
    await counter.till.sell(FLOUR, FLOUR, FLOUR, FLOUR, FLOUR, MILK)
    await page.get_by_role("button", name="Refund").click()
    for _ in range(5):
        await page.get_by_role("button", name=f"{FLOUR}: one more").click()
    await page.get_by_label("Reason").fill("Weevils")
    await page.get_by_text("Spoiled").click()
    await page.get_by_role("button", name="Give back KES 1,052.50").click()
    await expect(page.get_by_role("dialog").get_by_text("A second person has to agree")).to_be_visible()
    await counter.agree("Otieno")
    await expect(page.get_by_role("heading", name="Refund")).to_be_visible()
    await counter.verdict("pending")
    counter.api.start()
    counter.api.wait_until_ready()
    await counter.verdict("applied")
    rows = await counter.shop.rows(
        "select amount_cents, state, approved_by is not null from refunds where business_id = $1"
    )
    assert [tuple(row) for row in rows] == [(105_250, "completed", True)]
    assert await on_hand(counter.shop, counter.products[FLOUR]) == SHELF - 5
    await assert_invariants(counter.shop.database, counter.shop.business_id)


async def test_a_small_refund_needs_nobody_and_its_goods_are_back_on_the_shelf(counter: Counter):
    page = counter.page
    await counter.till.sell(SUGAR, SUGAR)
    await counter.verdict("applied")
    await page.get_by_role("button", name="Refund").click()
    await page.get_by_role("button", name=f"{SUGAR}: one more").click()
    await page.get_by_label("Reason").fill("One too many")
    await page.get_by_role("button", name="Give back KES 150").click()
    await counter.verdict("applied")
    assert await on_hand(counter.shop, counter.products[SUGAR]) == SHELF - 1
    await page.get_by_role("button", name="Done").click()
    await counter.go("sales")
    await page.locator("a[data-state]").first.click()
    await page.get_by_role("button", name="Refund").click()
    await expect(page.get_by_text("of 1")).to_be_visible()


async def test_a_cashier_undoes_a_sale_with_the_managers_pin(counter: Counter):
    page = counter.page
    await counter.till.sell(SUGAR, MILK)
    await counter.verdict("applied")
    await page.get_by_role("button", name="Undo the sale").click()
    await page.get_by_label("Reason").fill("Wrong customer")
    await page.get_by_role("button", name="Undo the sale of KES 210").click()
    await expect(page.get_by_role("dialog").get_by_text("PIN of somebody who may")).to_be_visible()
    await counter.agree("Otieno")
    await counter.verdict("applied")
    assert await counter.shop.value("select status from sales where business_id = $1") == "voided"
    assert await on_hand(counter.shop, counter.products[SUGAR]) == SHELF


async def test_a_wrong_pin_agrees_to_nothing(counter: Counter):
    page = counter.page
    await counter.till.sell(SUGAR)
    await counter.verdict("applied")
    await page.get_by_role("button", name="Undo the sale").click()
    await page.get_by_label("Reason").fill("Wrong customer")
    await page.get_by_role("button", name="Undo the sale of KES 150").click()
    await page.get_by_role("dialog").get_by_role("button", name="Otieno").click()
    await page.keyboard.type("0000")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert").filter(has_text="Wrong PIN")).to_be_visible(timeout=SLOW)
    await counter.sent()
    assert await counter.shop.value("select count(*) from refunds where business_id = $1") == 0
    assert await counter.shop.value("select status from sales where business_id = $1") == "completed"


async def test_a_shift_is_opened_sold_in_and_closed_blind(counter: Counter):
    page = counter.page
    await counter.go("shift")
    await page.get_by_label("Float, KES").fill("500")
    await page.get_by_role("button", name="Open shift").click()
    await counter.verdict("applied")
    await counter.till.sell(SUGAR)
    await counter.verdict("applied")
    await counter.go("shift")
    await page.get_by_role("button", name="Count and close").click()
    assert "650" not in await page.locator("main").inner_text()
    for label, count in (("500", "1"), ("100", "1"), ("20", "2")):
        await page.get_by_label(label, exact=True).fill(count)
    await expect(page.locator("[data-counted]")).to_have_text("KES 640")
    await page.get_by_role("button", name="Close the shift").click()
    await counter.verdict("applied")
    await expect(page.get_by_text("The drawer is short by KES 10.")).to_be_visible()
    row = (await counter.shop.rows("select state, counted_cents, difference_cents from shifts where business_id = $1"))[
        0
    ]
    assert tuple(row) == ("closed", 64_000, -1_000)
    await counter.go("shift")
    await expect(page.get_by_role("button", name="Open shift")).to_be_visible()


async def test_a_customer_is_met_with_no_network_and_buys_at_once(counter: Counter):
    page = counter.page
    counter.api.kill()
    await counter.go("customers/choose")
    await page.get_by_role("button", name="New customer").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Mama Atieno")
    await dialog.get_by_label("Phone").fill("0722 000 111")
    await dialog.get_by_role("button", name="Add").click()
    await expect(page).not_to_have_url(re.compile("customers"))
    await counter.till.sell(MILK)
    await expect(page.get_by_role("article").get_by_text("Mama Atieno")).to_be_visible()
    counter.api.start()
    counter.api.wait_until_ready()
    await counter.verdict("applied")
    assert (
        await counter.shop.value(
            "select c.name from sales s join customers c on c.business_id = s.business_id and c.id = s.customer_id where s.business_id = $1"
        )
        == "Mama Atieno"
    )


async def test_credit_is_sold_to_the_limit_and_repaid(counter: Counter):
    page = counter.page
    await counter.go("customers/choose")
    await page.get_by_role("button", name="Wanjiku").click()
    await counter.go("sell")
    await page.get_by_role("listitem").get_by_role("button", name=FAT).click()
    await page.get_by_role("button", name="Charge KES").first.click()
    await page.get_by_role("radio", name="Credit").click()
    await expect(page.get_by_text("May still buy for")).to_be_visible(timeout=SLOW)
    await expect(page.get_by_text("KES 2,000")).to_be_visible()
    await page.get_by_role("button", name="Sell KES 320 on credit").click()
    await counter.verdict("applied")
    await counter.go("customers")
    await page.get_by_role("button", name="Wanjiku").click()
    await page.get_by_role("dialog").get_by_role("button", name="Repayment").click()
    await page.get_by_role("dialog").get_by_label("Amount, KES").fill("100")
    await page.get_by_role("button", name="Take KES 100").click()
    await counter.verdict("applied")
    owed = await counter.shop.value(
        "select balance_cents from credit_accounts where business_id = $1 and id = $2", counter.account_id
    )
    assert owed == 22_000
    await assert_invariants(counter.shop.database, counter.shop.business_id)


async def test_goods_come_in_with_the_managers_pin_and_stand_on_the_shelf_at_once(counter: Counter):
    page = counter.page
    counter.api.kill()
    await counter.go("receive")
    await page.get_by_role("button", name=SUGAR).click()
    await page.get_by_label("Quantity").fill("24")
    await page.get_by_label("Cost of all of it").fill("2,400")
    await page.get_by_role("button", name="Put it into stock").click()
    await counter.agree("Otieno")
    await counter.verdict("pending")
    await counter.go("stock")
    await expect(page.get_by_role("listitem").filter(has_text=SUGAR)).to_contain_text(
        f"{SHELF} then, +24 here", timeout=SLOW
    )
    counter.api.start()
    counter.api.wait_until_ready()
    await counter.go("sync")
    await page.get_by_role("button", name="Try now").click()
    await counter.sent()
    assert await on_hand(counter.shop, counter.products[SUGAR]) == SHELF + 24


async def test_what_is_odd_stands_in_plain_words_until_it_was_read(counter: Counter):
    page = counter.page
    counter.api.kill()
    # Until the till has noticed, a sale is a request, and may be refused.
    await expect(page.locator("a.sync[data-online=false]")).to_be_visible(timeout=SLOW)
    await counter.till.sell(*[MILK] * (SHELF + 2))
    counter.api.start()
    counter.api.wait_until_ready()
    await counter.verdict("needs_review")
    await counter.go("attention")
    await expect(page.get_by_text("More was sold than was known to be there.")).to_be_visible()
    await page.get_by_role("button", name="I have read it").click()
    await expect(page.get_by_text("Nothing to look at. All is well.")).to_be_visible()


async def test_a_large_discount_takes_the_managers_pin_and_no_digit_of_it_gets_into_the_cash(counter: Counter):
    page = counter.page
    await page.get_by_role("listitem").get_by_role("button", name=SUGAR).click()
    await page.get_by_role("button", name="1 item").click()
    await page.get_by_role("button", name="Discount").click()
    await page.get_by_label("Amount, KES").fill("50")
    await page.get_by_role("button", name="Done").click()
    await counter.go("pay")
    await page.keyboard.type("200")
    await page.get_by_role("button", name="Give KES 100 change").click()
    await expect(page.get_by_role("dialog").get_by_text("A discount of KES 50 is above the limit.")).to_be_visible()
    await counter.agree("Otieno")
    await expect(page.get_by_role("heading", name="Sold")).to_be_visible(timeout=SLOW)
    await counter.verdict("applied")
    await expect(page.locator(".change")).to_contain_text("KES 100")
    rows = await counter.shop.rows("select total_cents, discount_cents from sales where business_id = $1")
    assert [tuple(row) for row in rows] == [(10_000, 5_000)]


async def test_an_expense_with_no_network_arrives_once(counter: Counter):
    page = counter.page
    counter.api.kill()
    await counter.go("expense")
    await page.get_by_label("Amount, KES").fill("300")
    await page.get_by_text("Wages").click()
    await page.get_by_label("Paid to").fill("Boda boda")
    await page.get_by_role("button", name="Record KES 300").click()
    await counter.verdict("pending")
    counter.api.start()
    counter.api.wait_until_ready()
    await counter.verdict("applied")
    rows = await counter.shop.rows("select category, amount_cents, method, payee from expenses where business_id = $1")
    assert [tuple(row) for row in rows] == [("salaries", 30_000, "cash", "Boda boda")]
