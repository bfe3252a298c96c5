"""STK push: what is accepted, and how each broken rule is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from payme_sim.apps import demo_passkey
from tests.contracts.simulator.conftest import Shop
from tests.simulator import CallbackReceiver, SimulatorProcess


async def test_an_accepted_push_has_ids_of_the_present_shape(shop: Shop):
    answer = await shop.push("254711222300")
    body = answer.json()
    assert answer.status_code == 200
    assert body["ResponseCode"] == "0"
    assert body["CheckoutRequestID"] == "ws_CO_22112026120000000711222300"
    assert re.fullmatch(r"[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\d+", body["MerchantRequestID"])


async def test_numbers_may_travel_as_digit_strings(shop: Shop):
    body = {key: str(value) for key, value in shop.push_body().items()}
    answer = await shop.client.post("/mpesa/stkpush/v1/processrequest", json=body, headers=shop.headers())
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"BusinessShortCode": "17"}, "BusinessShortCode"),
        ({"BusinessShortCode": ...}, "BusinessShortCode"),
        ({"Password": ""}, "Password"),
        ({"Timestamp": "2026-11-22 12:00:00"}, "Timestamp"),
        ({"Timestamp": "20261322120000"}, "Timestamp"),
        ({"TransactionType": "CustomerPayBill"}, "TransactionType"),
        ({"Amount": 0}, "Amount"),
        ({"Amount": 10.5}, "Amount"),
        ({"Amount": 300.0}, "Amount"),
        ({"Amount": "300.00"}, "Amount"),
        ({"Amount": -5}, "Amount"),
        ({"Amount": True}, "Amount"),
        ({"Amount": 250_001}, "Amount"),
        ({"PartyA": "0711222300"}, "PartyA"),
        ({"PhoneNumber": "+254711222300"}, "PhoneNumber"),
        ({"PhoneNumber": 254211222300}, "PhoneNumber"),
        ({"PartyB": ...}, "PartyB"),
        ({"CallBackURL": "https://pos.example.co.ke/<token>/stk"}, "CallBackURL"),
        ({"CallBackURL": "https://pos.example.co.ke/a b"}, "CallBackURL"),
        ({"CallBackURL": "ftp://pos.example.co.ke/d"}, "CallBackURL"),
        ({"CallBackURL": "pos.example.co.ke/d"}, "CallBackURL"),
        ({"AccountReference": ...}, "AccountReference"),
        ({"AccountReference": "THIRTEEN-LONG"}, "AccountReference"),
        ({"TransactionDesc": ...}, "Remarks"),
        ({"TransactionDesc": "fourteen chars"}, "Remarks"),
    ],
)
async def test_a_broken_field_is_named_as_the_provider_names_it(shop: Shop, changes: dict[str, Any], field: str):
    answer = await shop.push(**changes)
    assert answer.status_code == 400
    assert answer.json()["errorCode"] == "400.002.02"
    assert answer.json()["errorMessage"] == f"Bad Request - Invalid {field}"


@pytest.mark.parametrize("word", ["mpesa", "M-Pesa", "Safaricom", "exe", "exec", "cmd", "SQL", "query"])
async def test_callback_urls_must_not_contain_certain_words(shop: Shop, word: str):
    answer = await shop.push(CallBackURL=f"https://pos.example.co.ke/{word}/d")
    assert answer.json()["errorMessage"] == "Bad Request - Invalid CallBackURL"


async def test_production_mode_wants_https_and_no_tunnel(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.settings(production_mode=True)
    for url in ("http://pos.example.co.ke/d", "https://abc.ngrok.io/d"):
        answer = await shop.push(CallBackURL=url)
        assert answer.json()["errorMessage"] == "Bad Request - Invalid CallBackURL"
    assert (await shop.push(CallBackURL="https://pos.example.co.ke/d")).status_code == 200


async def test_a_strict_timestamp_must_be_near_nairobi_time(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.settings(strict_timestamp=True)
    assert (await shop.push("254711222300")).status_code == 200
    await simulator.control.advance(301)
    assert (await shop.push("254711222400")).json()["errorMessage"] == "Bad Request - Invalid Timestamp"


async def test_a_wrong_password_is_wrong_credentials(shop: Shop):
    answer = await shop.push(Password="bm90IGl0")
    assert answer.status_code == 500
    assert (answer.json()["errorCode"], answer.json()["errorMessage"]) == ("500.001.1001", "Wrong credentials")


async def test_an_unknown_short_code_is_no_merchant(shop: Shop):
    answer = await shop.push(**shop.signed("999999"))
    assert (answer.status_code, answer.json()["errorMessage"]) == (500, "Merchant does not exist")


async def test_a_missing_content_type_misleads(shop: Shop):
    answer = await shop.client.post("/mpesa/stkpush/v1/processrequest", content=b"{}", headers=shop.headers())
    assert answer.json()["errorMessage"] == "Bad Request - Invalid BusinessShortCode"


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'"x"', b"[" * 100_000])
async def test_what_is_no_json_object_is_an_invalid_payload(shop: Shop, content: bytes):
    headers = shop.headers() | {"Content-Type": "application/json"}
    answer = await shop.client.post("/mpesa/stkpush/v1/processrequest", content=content, headers=headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.002.05")


async def test_a_get_is_an_invalid_authentication_header(shop: Shop):
    answer = await shop.client.get("/mpesa/stkpush/v1/processrequest", headers=shop.headers())
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "404.001.04")


async def test_an_unknown_path_is_no_resource(shop: Shop):
    answer = await shop.client.post("/mpesa/none/v1", json={}, headers=shop.headers())
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "404.001.01")


async def test_a_phone_has_one_open_prompt(simulator: SimulatorProcess, shop: Shop):
    first = await shop.pushed("254711222355", 300)
    second = await shop.push("254711222355", 500)
    assert second.status_code == 500
    assert second.json()["errorCode"] == "500.001.1001"
    assert second.json()["errorMessage"].startswith("Unable to lock subscriber")
    await simulator.control.answer(first, "cancel")
    assert (await shop.push("254711222355", 500)).status_code == 200


async def test_a_till_is_paid_through_its_store_number(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    store = shop.signed("651200", demo_passkey("651200"))
    await shop.pushed("254711222300", 150, **store, TransactionType="CustomerBuyGoodsOnline", PartyB=5651201)
    await simulator.control.advance(3)
    assert (await receiver.next()).stk["ResultCode"] == 0
    accounts = (await simulator.control.ledger())["accounts"]
    paid = {(account["shortcode"], account["account"]): account["balance_cents"] for account in accounts}
    assert paid[("651200", "Merchant Account")] == 150_00


@pytest.mark.parametrize(
    ("shortcode", "changes", "code"),
    [
        ("651200", {"TransactionType": "CustomerBuyGoodsOnline", "PartyB": 651200}, "SFC_IC0003"),
        ("651200", {"TransactionType": "CustomerPayBillOnline", "PartyB": 5651201}, 2028),
        ("650880", {"TransactionType": "CustomerBuyGoodsOnline", "PartyB": 650880}, 2028),
        ("650880", {"TransactionType": "CustomerPayBillOnline", "PartyB": 174379}, "SFC_IC0003"),
    ],
)
async def test_mixing_up_till_store_and_paybill_shows_only_in_the_callback(
    simulator: SimulatorProcess,
    shop: Shop,
    receiver: CallbackReceiver,
    shortcode: str,
    changes: dict[str, Any],
    code: object,
):
    await shop.pushed(**(shop.signed(shortcode, demo_passkey(shortcode)) | changes))
    await simulator.control.advance(3)
    assert (await receiver.next()).stk["ResultCode"] == code


async def test_a_till_number_is_no_merchant_of_its_own(shop: Shop):
    answer = await shop.push(**shop.signed("5651201", demo_passkey("651200")), PartyB=5651201)
    assert answer.json()["errorMessage"] == "Merchant does not exist"


async def test_a_prompt_longer_than_the_phone_takes_is_not_sent(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    long = {"shortcode": "400400", "name": "D" * 160, "passkey": "k"}
    await simulator.control.send("POST", "/_sim/shortcodes", long)
    await shop.pushed(**shop.signed("400400", "k"), PartyB=400400)
    await simulator.control.advance(3)
    assert (await receiver.next()).stk["ResultCode"] == 1025
