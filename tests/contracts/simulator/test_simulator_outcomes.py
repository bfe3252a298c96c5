"""What each number suffix does, on the callback, on the query and in the ledger."""

from __future__ import annotations

import pytest

from payme_sim.outcomes import BY_SUFFIX, PAID
from tests.contracts.simulator.conftest import Shop
from tests.simulator import CallbackReceiver, SimulatorProcess

PHONE = "2547112223"
FAILING = [(suffix, outcome.code) for suffix, outcome in BY_SUFFIX.items() if outcome.code != PAID]


async def test_the_table_is_complete():
    assert set(BY_SUFFIX) == {
        *("00", "01", "17", "19", "26", "32", "37", "20", "28", "03", "08", "99"),
        *("40", "41", "42", "43", "44", "45"),
    }


async def test_a_payment_is_told_with_five_items_and_a_balance_without_value(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    checkout_id = await shop.pushed(PHONE + "00", 300)
    await simulator.control.advance(3)
    callback = await receiver.next()
    items = callback.stk["CallbackMetadata"]["Item"]
    assert callback.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert callback.headers["Businessshortcode"] == "174379"
    assert callback.stk["CheckoutRequestID"] == checkout_id
    assert callback.stk["ResultCode"] == 0
    assert [item["Name"] for item in items] == [
        "Amount",
        "MpesaReceiptNumber",
        "Balance",
        "TransactionDate",
        "PhoneNumber",
    ]
    assert items[2] == {"Name": "Balance"}
    assert b'"Value":300.00}' in callback.raw
    assert callback.items["PhoneNumber"] == 254711222300
    assert str(callback.items["TransactionDate"]).startswith("2026112212000")
    assert callback.items["MpesaReceiptNumber"].startswith("UKM")
    assert len(callback.items["MpesaReceiptNumber"]) == 10
    answer = (await shop.query(checkout_id)).json()
    assert (answer["ResponseCode"], answer["ResultCode"]) == ("0", "0")


@pytest.mark.parametrize(("suffix", "code"), FAILING)
async def test_a_failing_suffix_fails_with_its_code_and_moves_nothing(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver, suffix: str, code: str
):
    checkout_id = await shop.pushed(PHONE + suffix)
    await simulator.control.advance(3)
    callback = (await receiver.next()).stk
    assert callback["ResultCode"] == (int(code) if code.isdigit() else code)
    assert "CallbackMetadata" not in callback
    assert (await shop.query(checkout_id)).json()["ResultCode"] == code
    assert (await simulator.control.ledger())["payments"] == []


async def test_40_is_paid_but_nobody_is_told(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    checkout_id = await shop.pushed(PHONE + "40")
    await simulator.control.advance(3000)
    assert (await shop.query(checkout_id)).json()["ResultCode"] == "0"
    assert receiver.arrived == []
    kept_back = await simulator.control.transcript(event="callback_not_sent", checkout_request_id=checkout_id)
    assert len(kept_back) == 1


async def test_41_tells_before_it_answers(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    checkout_id = await shop.pushed(PHONE + "41")
    assert [callback.stk["CheckoutRequestID"] for callback in receiver.arrived] == [checkout_id]
    entries = await simulator.control.transcript(checkout_request_id=checkout_id)
    order = [entry["event"] for entry in entries if entry["event"] in {"request", "callback_sent", "answer"}]
    assert order == ["request", "callback_sent", "answer"]


async def test_42_tells_twice(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await shop.pushed(PHONE + "42")
    await simulator.control.advance(3)
    first, second = await receiver.next(), await receiver.next()
    assert first.raw == second.raw
    assert len((await simulator.control.ledger())["payments"]) == 1


@pytest.mark.parametrize(("suffix", "said_before", "seconds"), [("43", "1037", 600), ("44", "1032", 90)])
async def test_late_success_after_the_query_said_failed(
    simulator: SimulatorProcess,
    shop: Shop,
    receiver: CallbackReceiver,
    suffix: str,
    said_before: str,
    seconds: int,
):
    checkout_id = await shop.pushed(PHONE + suffix)
    await simulator.control.advance(seconds - 1)
    assert (await shop.query(checkout_id)).json()["ResultCode"] == said_before
    assert (receiver.arrived, (await simulator.control.ledger())["payments"]) == ([], [])
    await simulator.control.advance(4)
    assert (await receiver.next()).stk["ResultCode"] == 0
    assert (await shop.query(checkout_id)).json()["ResultCode"] == "0"


async def test_45_pays_another_amount_and_the_ledger_agrees(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.pushed(PHONE + "45", 300)
    await simulator.control.advance(3)
    assert (await receiver.next()).items["Amount"] == 299
    assert [payment["amount_cents"] for payment in (await simulator.control.ledger())["payments"]] == [299_00]


async def test_any_other_number_waits_for_a_person_and_goes_unanswered_after_a_minute(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    checkout_id = await shop.pushed(PHONE + "55")
    await simulator.control.advance(59)
    assert (await shop.query(checkout_id)).json()["ResultCode"] == "4999"
    await simulator.control.advance(1)
    callback = (await receiver.next()).stk
    assert (callback["ResultCode"], callback["ResultDesc"]) == (1037, "No response from user.")
    assert (await shop.query(checkout_id)).json()["ResultCode"] == "1037"


async def test_silence_may_be_reported_as_cancelled(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await simulator.control.settings(unanswered_code="1032")
    await shop.pushed(PHONE + "55")
    await simulator.control.advance(60)
    assert (await receiver.next()).stk["ResultCode"] == 1032


@pytest.mark.parametrize(
    ("action", "pin", "code"), [("pin", "1234", 0), ("pin", "9999", 2001), ("cancel", "", 1032), ("ignore", "", 1037)]
)
async def test_a_person_answers(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver, action: str, pin: str, code: int
):
    await shop.pushed(PHONE + "55")
    (prompt,) = await simulator.control.prompts(PHONE + "55")
    assert prompt["text"] == "Do you want to pay KES 300 to DUKA LA MFANO account no. INV-42?"
    await simulator.control.answer(prompt["id"], action, pin)
    if action == "ignore":
        assert receiver.arrived == []
        await simulator.control.advance(60)
    assert (await receiver.next()).stk["ResultCode"] == code
    assert await simulator.control.prompts() == []


async def test_a_person_may_be_quicker_than_a_number_that_pays_by_itself(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    checkout_id = await shop.pushed(PHONE + "00")
    await simulator.control.answer(checkout_id, "cancel")
    await simulator.control.advance(60)
    assert [callback.stk["ResultCode"] for callback in receiver.arrived] == [1032]


async def test_a_callback_is_sent_once_whatever_the_merchant_answers(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    receiver.status = 500
    checkout_id = await shop.pushed(PHONE + "00")
    await simulator.control.advance(86_400)
    assert len(receiver.arrived) == 1
    (sent,) = await simulator.control.transcript(event="callback_sent", checkout_request_id=checkout_id)
    assert sent["status"] == 500


async def test_a_callback_that_reaches_nobody_is_recorded_and_not_repeated(simulator: SimulatorProcess, shop: Shop):
    nobody = "http://127.0.0.1:9/d/x/stk"
    await shop.pushed(PHONE + "00", CallBackURL=nobody)
    await simulator.control.advance(86_400)
    entries = await simulator.control.transcript(callback_url=nobody)
    assert [entry["event"] for entry in entries if entry["event"].startswith("callback")] == ["callback_failed"]


async def test_the_prompted_phone_chooses_and_party_a_pays(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.pushed(PHONE + "00", PartyA=254722000055)
    await simulator.control.advance(3)
    assert (await receiver.next()).items["PhoneNumber"] == 254722000055
    (payment,) = (await simulator.control.ledger())["payments"]
    assert payment["msisdn"] == "254722000055"


async def test_the_digits_that_choose_can_be_those_that_a_mask_hides(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await simulator.control.settings(telling_digits="first")
    await shop.pushed("254732111200", 300)
    await simulator.control.advance(3)
    assert (await receiver.next()).stk["ResultCode"] == 1032
