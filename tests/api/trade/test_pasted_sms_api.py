"""A pasted SMS fills in a claim: what it says, whether its code is known, and nothing stored."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from payme.features.identity import Role
from payme.features.payments.enums import Source
from payme.features.payments.services.place_money import Arrival, place_money
from tests.api.trade.conftest import Counter
from tests.payment_room import a_receipt
from tests.people import Person
from tests.staff import hire
from tests.stock_room import make_product
from tests.trade import TradingShop, new_receipt, open_shop, stk
from tests.unchanged import unchanged

PRICE = 130_000
PATH = "payments/pasted-sms"
MakeCounter = Callable[[TradingShop, Person], Counter]


@pytest.fixture
async def tea(shop: TradingShop) -> UUID:
    return await make_product(shop, price_cents=PRICE, track_stock=False)


def received(receipt: str) -> str:
    return (
        f"{receipt} Confirmed. You have received Ksh1,300.00 from JOHN KAMAU DOE 0712***345 on 22/11/26 at 1:05 PM. "
        "New M-PESA balance is Ksh9,400.50."
    )


def paid_to(receipt: str) -> str:
    return f"{receipt} Confirmed. Ksh1,300.00 paid to DUKA BORA. on 22/11/26 at 1:05 PM.New M-PESA balance is Ksh9.00."


async def read(counter: Counter, text: str) -> dict[str, Any]:
    async with unchanged(counter.shop):
        answer = await counter.post(PATH, {"text": text})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_till_is_told_what_the_sms_says(cashier: Counter):
    code = a_receipt()
    assert await read(cashier, received(code)) == {
        "mpesa_receipt_number": code, "amount_cents": PRICE, "kind": "received", "channel": "send_money",
        "paid_at": "2026-11-22T10:05:00Z", "payer_name": "JOHN K. D.", "payee_name": "", "account_reference": "",
        "is_odd": (await read(cashier, paid_to(code)))["is_odd"], "known": "new", "unclaimed_id": None, "payment_id": None,
    }  # fmt: skip
    till = await read(cashier, paid_to(code))
    assert (till["kind"], till["channel"], till["payer_name"], till["payee_name"]) == (
        "paid_to",
        "till",
        "",
        "DUKA BORA",
    )
    paybill = f"{code} Confirmed. Ksh300.00 sent to DUKA LTD for account INV-42 on 22/11/26 at 1:05 PM New M-PESA balance is Ksh7.00."
    found = await read(cashier, paybill)
    assert (found["channel"], found["account_reference"], found["amount_cents"]) == ("paybill", "INV-42", 30_000)
    assert "0712" not in str(await read(cashier, received(code)))


async def test_a_code_that_is_known_says_where_it_is(cashier: Counter, tea: UUID):
    shop = cashier.shop
    lying, prompted, claimed, elsewhere = [new_receipt() for _ in range(4)]
    arrival = Arrival(Source.C2B, lying, PRICE, "174379", ["174379"], payer_name="JOHN", payer_number="2547 ***** 999")
    await shop.run(lambda uow: place_money(uow, arrival))
    sold = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.paid(sold.payments[0].id, PRICE, receipt=prompted)
    taken = await shop.sell(
        tea, tenders=[{"method": "mpesa_claim", "amount_cents": PRICE, "mpesa_receipt_number": claimed}]
    )
    other = await open_shop(shop.database)
    theirs = await make_product(other, price_cents=PRICE, track_stock=False)
    sale = await other.sell(theirs, tenders=[stk(PRICE)])
    await other.paid(sale.payments[0].id, PRICE, receipt=elsewhere)
    (row,) = (await cashier.get("unclaimed")).json()["data"]
    for receipt, known, unclaimed_id, payment_id in (
        (lying, "in_tray", row["id"], None),
        (prompted, "applied", None, str(sold.payments[0].id)),
        (claimed, "claimed", None, str(taken.payments[0].id)),
        (elsewhere, "used", None, None),
        (new_receipt(), "new", None, None),
    ):
        found = await read(cashier, paid_to(receipt))
        assert (found["known"], found["unclaimed_id"], found["payment_id"]) == (known, unclaimed_id, payment_id)
    waiting = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.fails(waiting.payments[0].id)
    body = {"purpose": "sale", "purpose_id": str(waiting.id)}
    assert (await cashier.post(f"unclaimed/{row['id']}/claim", body)).status_code == 200
    after = await read(cashier, paid_to(lying))
    assert (after["known"], after["unclaimed_id"]) == ("applied", None)
    assert after["payment_id"] in {str(each.id) for each in (await shop.sale(waiting.id)).payments}


@pytest.mark.parametrize(
    "text",
    [
        "Habari yako",
        "UKM8RT2K1P Confirmed.",
        received("UKM8RT2K1P") + " " + received("UKM8RT2K1Q"),
    ],
)
async def test_what_is_no_confirmation_is_refused_in_words(cashier: Counter, text: str):
    async with unchanged(cashier.shop):
        answer = await cashier.post(PATH, {"text": text})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "payments.sms_not_understood")
    assert "whole SMS" in problem["detail"]
    assert text not in answer.text


async def test_a_text_is_needed_and_has_an_end(cashier: Counter):
    for body in ({}, {"text": ""}, {"text": "x" * 2_001}):
        answer = await cashier.post(PATH, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "http.invalid")


async def test_whoever_may_not_claim_may_not_ask(shop: TradingShop, counter_for: MakeCounter):
    auditor = await hire(shop, Role.AUDITOR)
    answer = await counter_for(shop, auditor.person).post(PATH, {"text": received("UKM8RT2K1P")})
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.permission_missing")
