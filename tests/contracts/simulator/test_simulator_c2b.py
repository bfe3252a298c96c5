"""C2B: registration, and customers who pay by themselves."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import httpx2
import pytest

from tests.contracts.simulator.conftest import Shop
from tests.simulator import CallbackReceiver, SimulatorProcess

PAYBILL, TILL, STORE = "650880", "5651201", "651200"
PAYER = "254711222355"
CONFIRMATION, VALIDATION = "/d/b7c1/confirmation", "/d/b7c1/validation"


async def registrations(simulator: SimulatorProcess) -> dict[str, Any]:
    return (await simulator.control.send("GET", "/_sim/registrations"))["registrations"]


async def moved(simulator: SimulatorProcess) -> list[dict[str, Any]]:
    ledger = await simulator.control.ledger()
    assert ledger["totals"]["difference_cents"] == 0
    return ledger["payments"]


@pytest.mark.parametrize(("version", "description"), [("v1", "success"), ("v2", "Success")])
async def test_urls_are_registered_and_the_answer_misspells_its_id(
    simulator: SimulatorProcess, shop: Shop, version: str, description: str
):
    answer = await shop.register(version=version)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"OriginatorCoversationID", "ResponseCode", "ResponseDescription"}
    assert (body["ResponseCode"], body["ResponseDescription"]) == ("0", description)
    assert (await registrations(simulator))[PAYBILL]["version"] == version


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"ShortCode": "174379"}, "400.002.02", "Bad Request - Invalid ShortCode"),
        ({"ShortCode": "999999"}, "400.002.02", "Bad Request - Invalid ShortCode"),
        ({"ShortCode": "12"}, "400.002.02", "Bad Request - Invalid ShortCode"),
        ({"ResponseType": "completed"}, "400.002.02", "Bad Request - Invalid ResponseType"),
        ({"ResponseType": ...}, "400.002.02", "Bad Request - Invalid ResponseType"),
        ({"ConfirmationURL": ...}, "400.003.02", "Bad Request - Invalid ConfirmationURL"),
        ({"ConfirmationURL": "ftp://pos.example.co.ke/x"}, "400.003.02", "Bad Request - Invalid ConfirmationURL"),
        (
            {"ValidationURL": "https://pos.example.co.ke/MPesa/x"},
            "400.003.02",
            "Bad Request - Invalid ValidationURL - URL has the word MPESA",
        ),
        (
            {"ConfirmationURL": "https://pos.example.co.ke/Query"},
            "400.003.02",
            "Bad Request - Invalid ConfirmationURL - URL has the word QUERY",
        ),
    ],
)
async def test_a_broken_registration_is_refused_and_changes_nothing(
    simulator: SimulatorProcess, shop: Shop, changes: dict[str, Any], code: str, message: str
):
    answer = await shop.register(**changes)
    assert (answer.status_code, answer.json()["errorCode"], answer.json()["errorMessage"]) == (400, code, message)
    assert await registrations(simulator) == {}


async def test_production_wants_https(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.settings(production_mode=True)
    assert (await shop.register()).json()["errorCode"] == "400.003.02"
    secure = {"ConfirmationURL": "https://pos.example.co.ke/c", "ValidationURL": "https://pos.example.co.ke/v"}
    assert (await shop.register(**secure)).status_code == 200


async def test_the_sandbox_overwrites_and_production_registers_once(simulator: SimulatorProcess, shop: Shop):
    assert (await shop.register()).status_code == 200
    assert (await shop.register(ResponseType="Cancelled")).status_code == 200
    assert (await registrations(simulator))[PAYBILL]["completes"] is False
    await simulator.control.settings(register_once=True)
    answer = await shop.register()
    assert (answer.status_code, answer.json()["errorCode"]) == (500, "500.003.1001")
    assert answer.json()["errorMessage"] == "Urls are already registered."
    assert (await registrations(simulator))[PAYBILL]["completes"] is False
    assert (await shop.register(STORE)).status_code == 200


async def test_an_app_may_have_the_other_version_only(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.settings(c2b_version="v1")
    answer = await shop.register(version="v2")
    assert (answer.status_code, answer.json()["errorCode"]) == (401, "401.003.01")
    assert await registrations(simulator) == {}
    assert (await shop.register(version="v1")).status_code == 200


async def test_a_dead_token_has_the_products_own_code(shop: Shop):
    shop.token = "nobody-gave-this-one-away-28"
    answer = await shop.register()
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.003.01")


async def test_a_paybill_is_told_of_a_payment_by_hand(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.register()
    await simulator.control.deposit(PAYBILL, 20_00)
    paid = await simulator.control.pay(PAYER, PAYBILL, 5, reference="Sample Transaction", name="O'BRIEN KAMAU")
    told = await receiver.next()
    assert told.path == CONFIRMATION
    assert told.json == {
        "TransactionType": "Pay Bill",
        "TransID": paid["receipt"],
        "TransTime": "20261122120000",
        "TransAmount": "5.00",
        "BusinessShortCode": PAYBILL,
        "BillRefNumber": "Sample Transaction",
        "InvoiceNumber": "",
        "OrgAccountBalance": "25.00",
        "ThirdPartyTransID": "",
        "MSISDN": "2547 ***** 355",
        "FirstName": "O'BRIEN",
        "MiddleName": "",
        "LastName": "",
    }
    (payment,) = await moved(simulator)
    assert (payment["receipt"], payment["amount_cents"], payment["account"]) == (
        paid["receipt"],
        5_00,
        "Utility Account",
    )


async def test_a_till_is_told_without_a_reference(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await shop.register(STORE)
    await simulator.control.pay(PAYER, TILL, 300, reference="INV-42", kind="till")
    told = (await receiver.next()).json
    assert (told["TransactionType"], told["BusinessShortCode"]) == ("Customer Merchant Payment", TILL)
    assert (told["BillRefNumber"], told["OrgAccountBalance"]) == ("", "300.00")


@pytest.mark.parametrize(
    ("version", "form", "expected"),
    [
        ("v2", None, "2547 ***** 355"),
        ("v1", None, hashlib.sha256(PAYER.encode()).hexdigest()),
        ("v2", "hashed", hashlib.sha256(PAYER.encode()).hexdigest()),
        ("v1", "masked", "2547 ***** 355"),
        ("v2", "plain", PAYER),
    ],
)
async def test_the_number_is_written_in_many_ways(
    simulator: SimulatorProcess,
    shop: Shop,
    receiver: CallbackReceiver,
    *,
    version: str,
    form: str | None,
    expected: str,
):
    await simulator.control.settings(msisdn_form=form)
    await shop.register(version=version)
    await simulator.control.pay(PAYER, PAYBILL, 300)
    assert (await receiver.next()).json["MSISDN"] == expected


async def test_a_hash_may_be_pushed_through_the_mask(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await simulator.control.settings(msisdn_form="masked_hash")
    await shop.register()
    await simulator.control.pay(PAYER, PAYBILL, 300)
    head, stars, tail = (await receiver.next()).json["MSISDN"].split(" ")
    digest = hashlib.sha256(PAYER.encode()).hexdigest()
    assert (head, stars, tail) == (digest[:34], "*****", digest[-25:])


async def test_nobody_is_told_where_nothing_is_registered(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    paid = await simulator.control.pay(PAYER, PAYBILL, 300)
    assert paid["paid"]
    assert receiver.arrived == []
    assert len(await moved(simulator)) == 1


@pytest.mark.parametrize(("shortcode", "kind"), [("999999", None), (STORE, None), (PAYBILL, "till"), (TILL, "paybill")])
async def test_an_unknown_payee_is_refused(simulator: SimulatorProcess, shortcode: str, kind: str | None):
    with pytest.raises(httpx2.HTTPStatusError, match="404"):
        await simulator.control.pay(PAYER, shortcode, 300, kind=kind)
    assert await moved(simulator) == []


async def test_a_wallet_pays_only_what_it_holds(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await shop.register()
    await simulator.control.wallet(PAYER, balance_cents=299_00)
    assert await simulator.control.pay(PAYER, PAYBILL, 300) == {"paid": False, "code": "1", "receipt": None}
    assert await moved(simulator) == []
    assert receiver.arrived == []


async def test_validation_asks_before_the_money_moves(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.register()
    await simulator.control.shortcode(PAYBILL, validation=True)
    receiver.reply = {"ResultCode": "0", "ResultDesc": "Accepted", "ThirdPartyTransID": "T-9"}
    paid = await simulator.control.pay(PAYER, PAYBILL, 300, reference="INV-42")
    asked, told = await receiver.next(), await receiver.next()
    assert (asked.path, told.path) == (VALIDATION, CONFIRMATION)
    assert asked.json["OrgAccountBalance"] == ""
    assert asked.json | {"OrgAccountBalance": "300.00", "ThirdPartyTransID": "T-9"} == told.json
    assert told.json["TransID"] == paid["receipt"]


async def test_a_rejected_payment_moves_nothing(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await shop.register()
    await simulator.control.shortcode(PAYBILL, validation=True)
    receiver.reply = {"ResultCode": "C2B00012", "ResultDesc": "Rejected"}
    assert (await simulator.control.pay(PAYER, PAYBILL, 300))["code"] == "C2B00012"
    assert [each.path for each in receiver.arrived] == [VALIDATION]
    assert await moved(simulator) == []


@pytest.mark.parametrize(("response_type", "paid"), [("Completed", True), ("Cancelled", False)])
@pytest.mark.parametrize("silence", ["late", "lost", "error", "not understood"])
async def test_without_an_answer_the_response_type_decides(
    simulator: SimulatorProcess,
    shop: Shop,
    receiver: CallbackReceiver,
    *,
    response_type: str,
    paid: bool,
    silence: str,
):
    await simulator.control.settings(validation_timeout_seconds=0.2)
    await shop.register(ResponseType=response_type)
    await simulator.control.shortcode(PAYBILL, validation=True)
    receiver.reply = {"ResultCode": "0"} if silence != "not understood" else {"Result": "0"}
    if silence == "late":
        receiver.pause = 0.5
    elif silence == "lost":
        await simulator.control.fault("validation", "lost")
    elif silence == "error":
        receiver.status = 500
    assert (await simulator.control.pay(PAYER, PAYBILL, 300))["paid"] is paid
    assert len(await moved(simulator)) == int(paid)


async def test_a_paid_prompt_is_confirmed_too_with_the_same_receipt(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.register(STORE)
    known = await simulator.control.send("GET", "/_sim/apps")
    passkey = next(code["passkey"] for code in known["shortcodes"] if code["shortcode"] == STORE)
    signed = shop.signed(STORE, passkey)
    changes = signed | {"PartyB": int(TILL), "TransactionType": "CustomerBuyGoodsOnline"}
    await shop.pushed("254711222300", 300, **changes)
    await simulator.control.advance(3)
    callback, confirmation = await receiver.next(), await receiver.next()
    assert (callback.path, confirmation.path) == ("/d/b7c1/stk", CONFIRMATION)
    assert confirmation.json["TransID"] == callback.items["MpesaReceiptNumber"]
    assert len(await moved(simulator)) == 1


async def paybill_push(simulator: SimulatorProcess, shop: Shop, phone: str = "254711222300") -> None:
    known = await simulator.control.send("GET", "/_sim/apps")
    passkey = next(code["passkey"] for code in known["shortcodes"] if code["shortcode"] == PAYBILL)
    await shop.pushed(phone, 300, **shop.signed(PAYBILL, passkey), PartyB=int(PAYBILL))
    await simulator.control.advance(3)


async def test_the_reference_of_a_prompt_comes_back_in_the_confirmation(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.register()
    await simulator.control.settings(stk_confirmation_first=True)
    await paybill_push(simulator, shop)
    first, second = await receiver.next(), await receiver.next()
    assert (first.path, second.path) == (CONFIRMATION, "/d/b7c1/stk")
    assert first.json["BillRefNumber"] == "INV-42"


async def test_a_prompt_that_failed_is_not_confirmed(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.register()
    await paybill_push(simulator, shop, "254711222301")
    assert [each.path for each in receiver.arrived] == ["/d/b7c1/stk"]


async def test_prompts_may_be_kept_out_of_c2b(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await shop.register()
    await simulator.control.settings(stk_fires_c2b=False)
    await paybill_push(simulator, shop)
    assert [each.path for each in receiver.arrived] == ["/d/b7c1/stk"]


async def test_a_lost_callback_leaves_the_confirmation(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.register()
    await paybill_push(simulator, shop, "254711222340")
    assert [each.path for each in receiver.arrived] == [CONFIRMATION]


async def test_a_confirmation_may_be_lost_while_the_money_moves(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.register()
    await simulator.control.fault("confirmation", "lost", msisdn=PAYER)
    assert (await simulator.control.pay(PAYER, PAYBILL, 300))["paid"]
    await simulator.control.pay("254711222366", PAYBILL, 300)
    told = await receiver.next()
    assert (told.json["MSISDN"][-3:], told.json["OrgAccountBalance"]) == ("366", "600.00")
    (entry,) = await simulator.control.transcript(event="callback_not_sent")
    assert (entry["product"], entry["reason"]) == ("confirmation", "fault: lost")
    assert len(await moved(simulator)) == 2


async def test_a_confirmation_may_come_late_or_twice(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.register()
    await simulator.control.fault("confirmation", "late", seconds=300)
    await simulator.control.pay(PAYER, PAYBILL, 300)
    await simulator.control.advance(299)
    assert receiver.arrived == []
    await simulator.control.advance(1)
    assert len(receiver.arrived) == 1
    await simulator.control.fault("confirmation", "twice")
    await simulator.control.pay(PAYER, PAYBILL, 301)
    assert [each.json["TransAmount"] for each in receiver.arrived] == ["300.00", "301.00", "301.00"]


@pytest.mark.parametrize(("options", "paid"), [({"amount": 120}, "120.00"), ({}, "299.00")])
async def test_a_customer_may_pay_another_amount(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver, options: dict[str, Any], paid: str
):
    await shop.register()
    await simulator.control.fault("confirmation", "other_amount", **options)
    await simulator.control.pay(PAYER, PAYBILL, 300)
    told = (await receiver.next()).json
    assert (told["TransAmount"], told["OrgAccountBalance"]) == (paid, paid)


async def test_a_confirmation_is_sent_once_whatever_the_merchant_answers(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    receiver.status = 500
    await shop.register()
    await simulator.control.pay(PAYER, PAYBILL, 300)
    await simulator.control.advance(7200)
    assert len(receiver.arrived) == 1


async def test_receipts_are_unique_over_short_codes(simulator: SimulatorProcess):
    payers = [f"2547112223{number:02d}" for number in range(50, 80)]
    paid = await asyncio.gather(
        *(simulator.control.pay(payer, PAYBILL if index % 2 else TILL, 10) for index, payer in enumerate(payers))
    )
    assert len({each["receipt"] for each in paid}) == 30


async def test_the_sandbox_simulates_a_payment_and_production_does_not(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.register()
    body = {"ShortCode": PAYBILL, "CommandID": "CustomerPayBillOnline", "Amount": 10, "Msisdn": PAYER}
    answer = await shop.post("/mpesa/c2b/v2/simulate", body | {"BillRefNumber": "INV-42"})
    assert answer.json()["ResponseDescription"] == "Accept the service request successfully."
    assert (await receiver.next()).json["BillRefNumber"] == "INV-42"
    refused = await shop.post("/mpesa/c2b/v2/simulate", body | {"CommandID": "CustomerBuyGoodsOnline"})
    assert refused.json()["errorMessage"] == "Bad Request - Invalid ShortCode"
    await simulator.control.settings(production_mode=True)
    assert (await shop.post("/mpesa/c2b/v2/simulate", body)).status_code == 404
    assert len(await moved(simulator)) == 1


async def test_money_comes_from_the_bank_and_goes_there(simulator: SimulatorProcess):
    assert (await simulator.control.deposit(PAYBILL, 100_00))["balance_cents"] == 100_00
    assert (await simulator.control.deposit(PAYBILL, -60_00))["balance_cents"] == 40_00
    refused = await simulator.control.deposit(PAYBILL, -41_00)
    assert (refused["moved"], refused["code"]) == (False, "1")
    ledger = await simulator.control.ledger()
    assert ledger["totals"] == {
        "issued_cents": 40_00,
        "wallets_cents": 0,
        "accounts_cents": 40_00,
        "difference_cents": 0,
    }


async def test_the_registration_may_be_down(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.fault("c2bregister", "outage")
    answer = await shop.register()
    assert (answer.status_code, answer.json()["errorCode"]) == (503, "500.003.1001")
    assert "unreachable" in answer.json()["errorMessage"]
    assert await registrations(simulator) == {}
    assert (await shop.register()).status_code == 200
