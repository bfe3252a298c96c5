"""What all asynchronous products share: acceptance, operators, delays, delivery, faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509

from tests.contracts.simulator.conftest import B2B, B2C, BALANCE, ERRANDS, POCHI, REVERSAL, STATUS, TAX, Shop
from tests.simulator import CallbackReceiver, SimulatorProcess

PRODUCTS = {B2C: "b2c", POCHI: "b2pochi", B2B: "b2b", TAX: "remittax", STATUS: "status", BALANCE: "balance"} | {
    REVERSAL: "reversal"
}
PAID = (B2C, POCHI, B2B, TAX)


@pytest.fixture
async def funded(simulator: SimulatorProcess, shop: Shop) -> Shop:
    for account in ("Utility Account", "Working Account"):
        await simulator.control.deposit("650880", 1000_00, account)
    return shop


async def spent_cents(simulator: SimulatorProcess) -> int:
    ledger = await simulator.control.ledger()
    assert ledger["totals"]["difference_cents"] == 0
    held = sum(each["balance_cents"] for each in ledger["accounts"] if each["shortcode"] == "650880")
    return 2000_00 - held


@pytest.mark.parametrize("path", ERRANDS)
async def test_an_errand_is_accepted_and_told_of_within_three_seconds(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, path: str
):
    answer = await funded.errand(path)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["ResponseCode"], body["ResponseDescription"]) == ("0", "Accept the service request successfully.")
    await simulator.control.advance(0.9)
    assert receiver.arrived == []
    await simulator.control.advance(2.1)
    told = await receiver.next()
    assert told.path == "/d/b7c1/result"
    assert {key: told.result[key] for key in ("OriginatorConversationID", "ConversationID")} == {
        key: body[key] for key in ("OriginatorConversationID", "ConversationID")
    }
    assert body["ConversationID"].startswith("AG_20261122_")
    assert told.result["ResultType"] == 0


@pytest.mark.parametrize("path", ERRANDS)
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"SecurityCredential": ...}, "SecurityCredential"),
        ({"ResultURL": "https://pos.example.co.ke/mpesa"}, "ResultURL"),
        ({"QueueTimeOutURL": ...}, "QueueTimeOutURL"),
        ({"Remarks": "x"}, "Remarks"),
        ({"CommandID": "PayTheMoon"}, "CommandID"),
    ],
)
async def test_a_broken_field_is_named(
    simulator: SimulatorProcess, shop: Shop, *, path: str, changes: dict[str, Any], field: str
):
    answer = await shop.errand(path, **changes)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.002.02")
    assert answer.json()["errorMessage"] == f"Bad Request - Invalid {field}"
    assert (await simulator.control.send("GET", "/_sim/clock"))["pending"] == 0


@pytest.mark.parametrize(
    ("path", "changes", "field"),
    [
        (B2C, {"InitiatorName": ...}, "InitiatorName"),
        (B2C, {"OriginatorConversationID": ...}, "OriginatorConversationID"),
        (B2C, {"PartyA": "999999"}, "PartyA"),
        (B2C, {"PartyB": "0705912645"}, "PartyB"),
        (B2C, {"Amount": "250001"}, "Amount"),
        (POCHI, {"CommandID": "BusinessPayment"}, "CommandID"),
        (B2B, {"RecieverIdentifierType": ..., "ReceiverIdentifierType": "4"}, "RecieverIdentifierType"),
        (B2B, {"AccountReference": "x" * 14}, "AccountReference"),
        (TAX, {"PartyB": "650880"}, "PartyB"),
        (STATUS, {"IdentifierType": "5"}, "IdentifierType"),
        (STATUS, {"TransactionID": ...}, "TransactionID"),
        (REVERSAL, {"RecieverIdentifierType": ..., "ReceiverIdentifierType": "11"}, "RecieverIdentifierType"),
        (REVERSAL, {"ReceiverParty": "999999"}, "ReceiverParty"),
    ],
)
async def test_a_products_own_field_is_named(
    simulator: SimulatorProcess, shop: Shop, *, path: str, changes: dict[str, Any], field: str
):
    answer = await shop.errand(path, **changes)
    assert (answer.status_code, answer.json()["errorMessage"]) == (400, f"Bad Request - Invalid {field}")
    assert (await simulator.control.send("GET", "/_sim/clock"))["pending"] == 0


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (B2C, 404, "404.001.03"),
        (B2B, 400, "400.003.01"),
        (STATUS, 400, "400.003.01"),
        (BALANCE, 401, "401.002.01"),
        (REVERSAL, 404, "404.001.03"),
    ],
)
async def test_a_dead_token_has_each_products_own_code(shop: Shop, path: str, status: int, code: str):
    shop.token = "nobody-gave-this-one-away-28"
    answer = await shop.errand(path)
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)


async def test_the_certificate_expired_long_ago(simulator: SimulatorProcess):
    certificate = x509.load_pem_x509_certificate(await simulator.control.certificate())
    assert certificate.not_valid_after_utc.year == 2018


async def test_the_key_may_outlive_the_process(tmp_path: Path):
    certificates: list[bytes] = []
    for _ in range(2):
        with SimulatorProcess("--key-file", str(tmp_path / "key.pem")) as simulator:
            pem = await simulator.control.certificate()
            key = x509.load_pem_x509_certificate(pem).public_key()
            certificates.append(repr(key.public_numbers()).encode())  # pyright: ignore[reportAttributeAccessIssue] # it is RSA
    assert certificates[0] == certificates[1]


@pytest.mark.parametrize("path", ERRANDS)
async def test_a_wrong_operator_shows_only_in_the_result(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, path: str
):
    name = "InitiatorName" if path == POCHI or "b2c" in path else "Initiator"
    assert (await funded.errand(path, **{name: "nobody"})).status_code == 200
    await simulator.control.advance(3)
    result = (await receiver.next()).result
    assert (result["ResultCode"], result["ResultDesc"]) == (2001, "The initiator information is invalid.")
    assert result["TransactionID"] == "UKM0000000"
    assert await spent_cents(simulator) == 0


@pytest.mark.parametrize("wrong", ["password", "no base64!", "c2hvcnQ="])
async def test_a_wrong_credential_is_2001_and_the_third_locks(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, wrong: str
):
    credential = await simulator.control.credential("another") if wrong == "password" else wrong
    for _ in range(3):
        await funded.errand(BALANCE, SecurityCredential=credential)
        await simulator.control.advance(3)
    await funded.errand(BALANCE)
    await simulator.control.advance(3)
    assert [each.result["ResultCode"] for each in receiver.arrived] == [2001, 2001, 2001, 8006]
    await simulator.control.shortcode("650880", initiator_password="N3w#Password")
    await funded.errand(BALANCE, SecurityCredential=await simulator.control.credential("N3w#Password"))
    await simulator.control.advance(3)
    assert receiver.arrived[-1].result["ResultCode"] == 0


async def test_a_right_credential_forgets_earlier_failures(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver
):
    for credential in ("wrong", "wrong", funded.credential, "wrong", "wrong", funded.credential):
        await funded.errand(BALANCE, SecurityCredential=credential)
        await simulator.control.advance(3)
    assert [each.result["ResultCode"] for each in receiver.arrived] == [2001, 2001, 0, 2001, 2001, 0]


@pytest.mark.parametrize("path", PAID)
async def test_a_lost_result_leaves_the_money_moved(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, path: str
):
    await simulator.control.fault(PRODUCTS[path], "lost")
    await funded.errand(path)
    await simulator.control.advance(3600)
    assert receiver.arrived == []
    assert await spent_cents(simulator) == int(ERRANDS[path]["Amount"]) * 100
    assert len(await simulator.control.transcript(event="callback_not_sent", product=PRODUCTS[path])) == 1


@pytest.mark.parametrize("path", PRODUCTS)
async def test_a_result_may_come_late_or_twice(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, path: str
):
    await simulator.control.fault(PRODUCTS[path], "late", seconds=300)
    await funded.errand(path)
    await simulator.control.advance(299)
    assert receiver.arrived == []
    await simulator.control.advance(5)
    assert len(receiver.arrived) == 1
    await simulator.control.fault(PRODUCTS[path], "twice")
    await funded.errand(path, **({"OriginatorConversationID": "pay-2"} if path in {B2C, POCHI} else {}))
    await simulator.control.advance(3)
    assert len(receiver.arrived) == 3
    assert receiver.arrived[1].raw == receiver.arrived[2].raw


@pytest.mark.parametrize("path", PAID)
async def test_a_queue_timeout_is_no_verdict(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, path: str
):
    await simulator.control.fault(PRODUCTS[path], "queue_timeout", seconds=120)
    accepted = (await funded.errand(path)).json()
    await simulator.control.advance(3)
    notice = await receiver.next()
    assert notice.path == "/d/b7c1/timeout"
    assert notice.result["ConversationID"] == accepted["ConversationID"]
    assert await spent_cents(simulator) == 0
    await simulator.control.advance(120)
    told = await receiver.next()
    assert (told.path, told.result["ResultCode"]) == ("/d/b7c1/result", 0)
    assert await spent_cents(simulator) == int(ERRANDS[path]["Amount"]) * 100


@pytest.mark.parametrize("path", PRODUCTS)
async def test_a_result_may_come_before_the_acknowledgement(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, path: str
):
    await simulator.control.fault(PRODUCTS[path], "before_answer")
    accepted = (await funded.errand(path)).json()
    (told,) = receiver.arrived
    assert told.result["ConversationID"] == accepted["ConversationID"]
    await simulator.control.advance(10)
    assert len(receiver.arrived) == 1


@pytest.mark.parametrize("path", PRODUCTS)
async def test_a_result_may_be_ordered(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, path: str
):
    await simulator.control.fault(PRODUCTS[path], "result", code="26")
    await funded.errand(path)
    await simulator.control.advance(3)
    result = (await receiver.next()).result
    assert (result["ResultCode"], result["ResultDesc"]) == (26, "Traffic blocking condition in place.")
    assert await spent_cents(simulator) == 0


async def test_failures_of_b2c_say_nothing_more_and_others_one_parameter(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver
):
    for path in (B2C, B2B):
        await simulator.control.fault(PRODUCTS[path], "result", code="21")
        await funded.errand(path)
        await simulator.control.advance(3)
    b2c, b2b = (each.result for each in receiver.arrived)
    assert "ResultParameters" not in b2c
    assert b2b["ResultParameters"]["ResultParameter"]["Key"] == "BOCompletedTime"
    assert b2b["ResultParameters"]["ResultParameter"]["Value"] // 1_000_000 == 20261122


@pytest.mark.parametrize("path", PAID)
async def test_a_hanging_answer_does_not_hold_up_the_money(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, path: str
):
    await simulator.control.fault(PRODUCTS[path], "hang", seconds=90)
    with pytest.raises(httpx2.ReadTimeout):
        await funded.client.post(
            path,
            json=funded.urls()
            | {
                "SecurityCredential": funded.credential,
                "PartyA": "650880",
                "Remarks": "a remark",
                "Initiator": "testapi",
            }
            | {key: value for key, value in ERRANDS[path].items() if value is not ...},
            headers=funded.headers(),
            timeout=httpx2.Timeout(10, read=0.3),
        )
    await simulator.control.advance(3)
    assert (await receiver.next()).result["ResultCode"] == 0
    assert await spent_cents(simulator) == int(ERRANDS[path]["Amount"]) * 100


@pytest.mark.parametrize("path", PAID)
async def test_a_reset_connection_does_not_either(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, path: str
):
    await simulator.control.fault(PRODUCTS[path], "reset")
    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        await funded.errand(path)
    await simulator.control.advance(3)
    assert (await receiver.next()).result["ResultCode"] == 0


@pytest.mark.parametrize("path", PRODUCTS)
@pytest.mark.parametrize(
    ("kind", "status", "part"),
    [
        ("html", 503, "Incapsula"),
        ("spike_429", 429, "SpikeArrestViolation"),
        ("outage", 503, "500.003.1001"),
        ("killed_token", None, "Invalid Access Token"),
    ],
)
async def test_each_product_may_be_down_alone(
    simulator: SimulatorProcess, funded: Shop, *, path: str, kind: str, status: int | None, part: str
):
    await simulator.control.fault(PRODUCTS[path], kind)
    answer = await funded.errand(path)
    assert status in {None, answer.status_code}
    assert part in answer.text
    assert (await simulator.control.send("GET", "/_sim/clock"))["pending"] == 0
    await funded.authorize()
    assert (await funded.errand(path)).status_code == 200


async def test_the_portals_style_has_strings_and_an_array(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver
):
    await simulator.control.settings(portal_style=True)
    await funded.errand(B2C)
    await simulator.control.advance(3)
    told = await receiver.next()
    assert (told.result["ResultType"], told.result["ResultCode"]) == ("0", "0")
    assert told.parameters["TransactionAmount"] == "10"
    assert told.parameters["B2CUtilityAccountAvailableFunds"] == "990.00"
    assert [each["Key"] for each in told.result["ReferenceData"]["ReferenceItem"]] == ["QueueTimeoutURL"]


async def test_the_transcript_keeps_no_credential(simulator: SimulatorProcess, funded: Shop):
    await funded.errand(BALANCE)
    entries = str(await simulator.control.transcript())
    assert funded.credential not in entries
    assert "Safaricom999" not in entries
