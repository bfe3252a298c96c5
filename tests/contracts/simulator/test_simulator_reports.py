"""Pull, the statement, QR and standing orders."""

from __future__ import annotations

import base64
import csv
import io
import struct
import zlib
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.contracts.simulator.conftest import B2B, B2C, NOON, REVERSAL, Shop
from tests.simulator import CallbackReceiver, SimulatorProcess

PAYBILL, TILL, STORE = "650880", "5651201", "651200"
PAYER = "254711222355"
PULL = {"ShortCode": PAYBILL, "StartDate": "2026-11-22 00:00:00", "EndDate": "2026-11-23 00:00:00", "OffSetValue": "0"}


async def register_pull(shop: Shop, **changes: Any) -> httpx2.Response:
    body = {"ShortCode": PAYBILL, "RequestType": "Pull", "NominatedNumber": PAYER, "CallBackURL": shop.callback_url}
    return await shop.post("/pulltransactions/v1/register", body | changes)


async def pull(shop: Shop, **changes: Any) -> dict[str, Any]:
    answer = await shop.post("/pulltransactions/v1/query", PULL | changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_registering_for_pull_again_is_told_apart(shop: Shop):
    first, second = [(await register_pull(shop)).json() for _ in range(2)]
    assert (first["ResponseStatus"], second["ResponseStatus"]) == ("1000", "1001")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ShortCode": "999999"}, "ShortCode"),
        ({"RequestType": "Push"}, "RequestType"),
        ({"NominatedNumber": "1"}, None),
    ],
)
async def test_a_broken_registration_is_refused(shop: Shop, changes: dict[str, Any], field: str | None):
    answer = await register_pull(shop, **changes)
    assert answer.json()["errorMessage"] == f"Bad Request - Invalid {field or 'NominatedNumber'}"
    assert (await register_pull(shop)).json()["ResponseStatus"] == "1000"


async def test_what_customers_paid_is_pulled_as_an_array_in_an_array(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await register_pull(shop)
    paid = await simulator.control.pay(PAYER, PAYBILL, 300, reference="INV-42")
    await simulator.control.pay(PAYER, TILL, 120)
    await simulator.control.deposit(PAYBILL, 500_00)
    answer = await pull(shop)
    assert answer["ResponseCode"] == "1000"
    assert answer["Response"] == [
        [
            {
                "transactionId": paid["receipt"],
                "trxDate": "2026-11-22T12:00:00Z",
                "msisdn": 711222355,
                "sender": "MPESA",
                "transactiontype": "c2b-pay-bill-debit",
                "billreference": "INV-42",
                "amount": "300.00",
                "organizationname": "PAYME TOKENS",
            }
        ]
    ]
    await simulator.control.settings(pull_dates_are_utc=True)
    assert (await pull(shop))["Response"][0][0]["trxDate"] == "2026-11-22T09:00:00Z"


async def test_a_paid_prompt_is_pulled_with_its_whole_number(simulator: SimulatorProcess, shop: Shop):
    await register_pull(shop, ShortCode="174379")
    await shop.pushed("254711222300", 300)
    await simulator.control.advance(3)
    (row,) = (await pull(shop, ShortCode="174379"))["Response"][0]
    assert (row["msisdn"], row["billreference"]) == (254711222300, "INV-42")


async def test_nothing_and_not_registered_look_alike(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.pay(PAYER, PAYBILL, 300)
    unregistered = await pull(shop)
    await register_pull(shop)
    nothing = await pull(shop, StartDate="2026-11-22 13:00:00")
    assert {each["ResponseCode"] for each in (unregistered, nothing)} == {"1001"}
    assert {key: each for key, each in nothing.items() if key != "ResponseRefID"} == {
        key: each for key, each in unregistered.items() if key != "ResponseRefID"
    }


async def test_only_the_last_48_hours_are_told(simulator: SimulatorProcess, shop: Shop):
    await register_pull(shop)
    await simulator.control.pay(PAYER, PAYBILL, 300)
    for seconds, code in ((48 * 3600, "1000"), (1, "1001")):
        await simulator.control.advance(seconds)
        await shop.authorize()
        assert (await pull(shop, EndDate="2026-11-30 00:00:00"))["ResponseCode"] == code


async def test_pages_have_a_hundred_rows(simulator: SimulatorProcess, shop: Shop):
    await register_pull(shop)
    await simulator.control.settings(repeat_rule=False)
    for number in range(103):
        await simulator.control.pay(PAYER, PAYBILL, number + 1)
    first, second = [(await pull(shop, OffSetValue=offset))["Response"][0] for offset in ("0", "100")]
    assert (len(first), [row["amount"] for row in second]) == (100, ["101.00", "102.00", "103.00"])
    assert (await pull(shop, OffSetValue="103"))["ResponseCode"] == "1001"


async def test_pull_refuses_what_it_does_not_understand(simulator: SimulatorProcess, shop: Shop):
    answer = await shop.post("/pulltransactions/v1/query", PULL | {"StartDate": "22/11/2026"})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.001")
    await simulator.control.settings(pull_subscribed=False)
    answer = await shop.post("/pulltransactions/v1/query", PULL)
    assert (answer.status_code, answer.json()["errorCode"]) == (401, "401.001")
    await simulator.control.settings(pull_subscribed=True)
    await simulator.control.fault("pull", "outage")
    assert (await shop.post("/pulltransactions/v1/query", PULL)).status_code == 503


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def test_the_statement_is_what_moved(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await simulator.control.deposit(PAYBILL, 1000_00)
    paid = await simulator.control.pay(PAYER, PAYBILL, 300, reference="INV-42", name="JANE DOE")
    await simulator.control.advance(60)
    await shop.errand(B2C)
    await simulator.control.advance(3)
    await shop.errand(REVERSAL, TransactionID=paid["receipt"])
    await simulator.control.advance(3)
    reversal, payout, payment, deposit = rows_of(await simulator.control.statement(PAYBILL))
    assert payment == {
        "Receipt No.": paid["receipt"],
        "Completion Time": "22-11-2026 12:00:00",
        "Initiation Time": "22-11-2026 12:00:00",
        "Details": "Pay Bill from 2547 ***** 355 - JANE DOE Acc. INV-42",
        "Transaction Status": "Completed",
        "Paid In": "300.00",
        "Withdrawn": "",
        "Balance": "1300.00",
        "Balance Confirmed": "true",
        "Reason Type": "Pay Bill",
        "Other Party Info": "2547 ***** 355 - JANE DOE",
        "Linked Transaction ID": "",
        "A/C No.": "INV-42",
    }
    assert (payout["Withdrawn"], payout["Balance"], payout["Paid In"]) == ("-10.00", "1290.00", "")
    assert payout["Initiation Time"] == "22-11-2026 12:01:00" != payout["Completion Time"]
    assert (reversal["Linked Transaction ID"], reversal["Balance"]) == (paid["receipt"], "990.00")
    assert (deposit["Other Party Info"], deposit["Paid In"]) == ("Bank", "1000.00")
    ledger = await simulator.control.ledger()
    utility = next(each for each in ledger["accounts"] if each["shortcode"] == PAYBILL)
    assert utility["balance_cents"] == 990_00


async def test_a_statement_is_of_one_account_and_a_time(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await simulator.control.deposit(PAYBILL, 500_00, "Working Account")
    await simulator.control.pay(PAYER, PAYBILL, 300)
    await simulator.control.advance(3000)
    await shop.errand(B2B)
    await simulator.control.advance(3)
    working = rows_of(await simulator.control.statement(PAYBILL, account="Working Account"))
    assert [row["Balance"] for row in working] == ["310.00", "500.00"]
    assert working[0]["Other Party Info"] == "5651201 - MAMA MBOGA STORES"
    (till,) = rows_of(await simulator.control.statement(TILL))
    assert (till["Paid In"], till["Other Party Info"]) == ("190.00", "650880 - PAYME TOKENS")
    after = (NOON + timedelta(minutes=1)).isoformat()
    assert rows_of(await simulator.control.statement(PAYBILL, first=after)) == []
    assert len(rows_of(await simulator.control.statement(PAYBILL, end=after))) == 1
    assert len(rows_of(await simulator.control.statement(PAYBILL, first="2026-11-22", end="2026-11-23"))) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [("shortcode=999999", 404), ("shortcode=650880&account=Slush", 404), ("shortcode=650880&from=yesterday", 422)],
)
async def test_a_statement_of_nothing_is_refused(simulator: SimulatorProcess, query: str, status: int):
    assert httpx2.get(f"{simulator.base_url}/_sim/statement?{query}", trust_env=False).status_code == status


QR = {"MerchantName": "DUKA", "RefNo": "INV-42", "Amount": 300, "TrxCode": "BG", "CPI": TILL, "Size": "120"}


async def test_a_qr_is_a_png_of_the_size_asked_for(shop: Shop):
    answer = (await shop.post("/mpesa/qrcode/v1/generate", QR)).json()
    picture = base64.b64decode(answer["QRCode"])
    assert answer["ResponseCode"] == "00"
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (120, 120)
    length = struct.unpack(">I", picture[33:37])[0]
    assert len(zlib.decompress(picture[41 : 41 + length])) == 120 * 121
    other = (await shop.post("/mpesa/qrcode/v1/generate", QR | {"Amount": 301})).json()
    assert other["QRCode"] != answer["QRCode"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"TrxCode": "XX"}, "TrxCode"),
        ({"TrxCode": "SM"}, "CPI"),
        ({"CPI": PAYER}, "CPI"),
        ({"Size": "1001"}, "Size"),
        ({"Amount": 0}, "Amount"),
        ({"RefNo": ""}, "RefNo"),
    ],
)
async def test_a_broken_qr_is_refused(shop: Shop, changes: dict[str, Any], field: str):
    answer = await shop.post("/mpesa/qrcode/v1/generate", QR | changes)
    assert (answer.status_code, answer.json()["errorMessage"]) == (400, f"Bad Request - Invalid {field}")


async def order_standing(shop: Shop, payer: str = PAYER, **changes: Any) -> httpx2.Response:
    body = {
        "StandingOrderName": "Rent",
        "StartDate": "20261201",
        "EndDate": "20271201",
        "BusinessShortCode": PAYBILL,
        "TransactionType": "Standing Order Customer Pay Bill",
        "ReceiverPartyIdentifierType": "4",
        "Amount": "4500",
        "PartyA": payer,
        "CallBackURL": shop.callback_url,
        "AccountReference": "Rent",
        "TransactionDesc": "Rent",
        "Frequency": "4",
    }
    return await shop.post("/standingorder/v1/createStandingOrderExternal", body | changes)


async def test_a_standing_order_is_agreed_to_in_lower_case(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    accepted = (await order_standing(shop)).json()["ResponseHeader"]
    assert accepted["responseCode"] == "200"
    await simulator.control.advance(3)
    told = (await receiver.next()).json
    data = {each["name"]: each["value"] for each in told["responseBody"]["responseData"]}
    assert (told["responseHeader"]["responseCode"], data["Status"]) == ("0", "OKAY")
    assert told["responseHeader"]["responseRefID"] == accepted["responseRefID"]
    assert (data["Msisdn"], data["TransactionID"][:3]) == ("254******355", "UKM")


@pytest.mark.parametrize(("payer", "code"), [("254711222332", "1032"), ("254711222337", "1037"), (PAYER, "1050")])
async def test_a_standing_order_is_refused_in_upper_case(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver, payer: str, code: str
):
    await order_standing(shop)
    await simulator.control.advance(3)
    await receiver.next()
    await order_standing(shop, payer)
    await simulator.control.advance(3)
    told = (await receiver.next()).json
    data = {each["Name"]: each["Value"] for each in told["ResponseBody"]["ResponseData"]}
    assert (told["ResponseHeader"]["ResponseCode"], data["responseCode"], data["Status"]) == (code, code, "ERROR")
    assert data["TransactionID"] == "0000000000"


async def test_a_customer_has_standing_orders_of_several_names_and_a_callback_may_be_lost(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await simulator.control.fault("ratiba", "lost")
    for name in ("Rent", "Water"):
        await order_standing(shop, StandingOrderName=name)
        await simulator.control.advance(3)
    (told,) = receiver.arrived
    assert told.json["responseHeader"]["responseCode"] == "0"
    await simulator.control.fault("ratiba", "result", code="1001")
    await order_standing(shop, StandingOrderName="School")
    await simulator.control.advance(3)
    assert receiver.arrived[-1].json["ResponseHeader"]["ResponseCode"] == "1001"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"EndDate": "20261130"}, "EndDate"),
        ({"StartDate": "20261301"}, "StartDate"),
        ({"Frequency": "9"}, "Frequency"),
        ({"TransactionType": "Standing Order Customer Pay Merchant"}, "TransactionType"),
        ({"AccountReference": "x" * 13}, "AccountReference"),
    ],
)
async def test_a_broken_standing_order_is_refused(
    simulator: SimulatorProcess, shop: Shop, changes: dict[str, Any], field: str
):
    answer = await order_standing(shop, **changes)
    assert (answer.status_code, answer.json()["errorMessage"]) == (400, f"Bad Request - Invalid {field}")
    assert (await simulator.control.send("GET", "/_sim/clock"))["pending"] == 0
