"""Paying people and organisations, giving back, asking: one ledger that every product tells the same of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contracts.simulator.conftest import B2B, B2C, B2C_V1, BALANCE, POCHI, REVERSAL, STATUS, TAX, Shop
from tests.simulator import CallbackReceiver, Received, SimulatorProcess

PAYBILL, TILL, STORE = "650880", "5651201", "651200"
PAYER, RECIPIENT = "254711222355", "254705912645"


@pytest.fixture
async def funded(simulator: SimulatorProcess, shop: Shop) -> Shop:
    for account in ("Utility Account", "Working Account"):
        await simulator.control.deposit(PAYBILL, 1000_00, account)
    return shop


async def balances(simulator: SimulatorProcess, holder: str) -> dict[str, int]:
    ledger = await simulator.control.ledger()
    assert ledger["totals"]["difference_cents"] == 0
    accounts = {
        each["account"]: each["balance_cents"]
        for each in ledger["accounts"]
        if each["shortcode"] == holder and each["balance_cents"]
    }
    wallets = [each["balance_cents"] for each in ledger["wallets"] if each["msisdn"] == holder]
    return accounts | ({"Wallet": wallets[0]} if wallets else {})


async def told(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver, path: str, **changes: Any
) -> Received:
    answer = await shop.errand(path, **changes)
    assert answer.status_code == 200, answer.text
    await simulator.control.advance(3)
    return await receiver.next()


async def test_a_person_is_paid(simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver):
    result = await told(simulator, funded, receiver, B2C)
    assert b'"Key":"B2CUtilityAccountAvailableFunds","Value":990.00' in result.raw
    parameters = result.parameters
    assert parameters.pop("TransactionCompletedDateTime").startswith("22.11.2026 12:00:0")
    receipt = parameters.pop("TransactionReceipt")
    assert parameters == {
        "TransactionAmount": 10,
        "ReceiverPartyPublicName": f"{RECIPIENT} - GITAU KIPLAGAT ROTICH",
        "B2CUtilityAccountAvailableFunds": 990.0,
        "B2CWorkingAccountAvailableFunds": 1000.0,
        "B2CChargesPaidAccountAvailableFunds": 0.0,
        "B2CRecipientIsRegisteredCustomer": "Y",
    }
    assert (result.result["ResultCode"], result.result["TransactionID"]) == (0, receipt)
    assert result.result["ReferenceData"]["ReferenceItem"]["Key"] == "QueueTimeoutURL"
    assert result.result["OriginatorConversationID"] == "pay-1"
    assert await balances(simulator, PAYBILL) == {"Utility Account": 990_00, "Working Account": 1000_00}
    assert await balances(simulator, RECIPIENT) == {"Wallet": 250_010_00}


async def test_an_id_pays_once(simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver):
    await told(simulator, funded, receiver, B2C)
    for path in (B2C, POCHI):
        answer = await funded.errand(path)
        assert (answer.status_code, answer.json()["errorCode"]) == (500, "500.002.1001")
        assert answer.json()["errorMessage"] == "Duplicate OriginatorConversationID."
    await simulator.control.advance(3)
    assert (await balances(simulator, PAYBILL))["Utility Account"] == 990_00


async def test_a_refused_request_does_not_use_up_its_id(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver
):
    assert (await funded.errand(B2C, Amount="0")).status_code == 400
    assert (await told(simulator, funded, receiver, B2C)).result["ResultCode"] == 0


async def test_the_older_version_gives_the_id_and_pays_again(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver
):
    first = await told(simulator, funded, receiver, B2C_V1, OriginatorConversationID="pay-1")
    second = await told(simulator, funded, receiver, B2C_V1, OriginatorConversationID="pay-1")
    ids = {each.result["OriginatorConversationID"] for each in (first, second)}
    assert len(ids | {"pay-1"}) == 3
    assert (await balances(simulator, PAYBILL))["Utility Account"] == 980_00


async def test_an_app_may_have_no_third_version(simulator: SimulatorProcess, funded: Shop):
    await simulator.control.settings(b2c_v3=False)
    answer = await funded.errand(B2C)
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "403.002.1001")
    assert (await funded.errand(B2C_V1)).status_code == 200


async def test_pochi_is_a_wallet_of_its_own(simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver):
    await told(simulator, funded, receiver, POCHI)
    assert await balances(simulator, RECIPIENT) == {"Pochi Account": 10_00}


@pytest.mark.parametrize(
    ("suffix", "code"),
    [
        ("01", 1),
        ("02", 2),
        ("03", "SFC_IC0003"),
        ("04", 4),
        ("08", 8),
        ("11", 11),
        ("20", 2040),
        ("21", 21),
        ("28", 2028),
    ],
)
async def test_the_recipients_number_chooses_a_failure(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, suffix: str, code: int | str
):
    result = (await told(simulator, funded, receiver, B2C, PartyB=f"2547059126{suffix}")).result
    assert (result["ResultCode"], result["TransactionID"]) == (code, "UKM0000000")
    assert (await balances(simulator, PAYBILL))["Utility Account"] == 1000_00


@pytest.mark.parametrize(("suffix", "paths"), [("40", []), ("42", ["result"] * 2), ("43", ["timeout", "result"])])
async def test_the_recipients_number_chooses_how_the_result_comes(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, suffix: str, paths: list[str]
):
    await funded.errand(B2C, PartyB=f"2547059126{suffix}")
    await simulator.control.advance(120)
    assert [each.path.rsplit("/", 1)[1] for each in receiver.arrived] == paths
    assert (await balances(simulator, PAYBILL))["Utility Account"] == 990_00


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"Amount": "9"}, 2), ({"Amount": "1001"}, 1), ({"PartyA": STORE}, 2028)],
)
async def test_the_ledger_refuses_a_payment(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, changes: dict[str, Any], code: int
):
    assert (await told(simulator, funded, receiver, B2C, **changes)).result["ResultCode"] == code
    assert await balances(simulator, RECIPIENT) in ({}, {"Wallet": 250_000_00})


async def test_a_full_wallet_takes_nothing_more(simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver):
    await simulator.control.wallet(RECIPIENT, balance_cents=500_000_00)
    assert (await told(simulator, funded, receiver, B2C)).result["ResultCode"] == 8
    assert await balances(simulator, RECIPIENT) == {"Wallet": 500_000_00}


async def test_a_till_is_paid_from_the_working_account(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver
):
    result = await told(simulator, funded, receiver, B2B)
    assert b'"Key":"Amount","Value":190.00' in result.raw
    parameters = result.parameters
    struct = "{Amount={CurrencyCode=KES, MinimumAmount=81000, BasicAmount=810.00}}"
    assert parameters["DebitAccountBalance"] == parameters["InitiatorAccountCurrentBalance"] == struct
    assert parameters["DebitPartyAffectedAccountBalance"] == "Working Account|KES|810.00|810.00|0.00|0.00"
    assert parameters["ReceiverPartyPublicName"] == "5651201 - MAMA MBOGA STORES"
    assert parameters["TransCompletedTime"] // 1_000_000 == 20261122
    assert parameters["DebitPartyCharges"] is None
    assert result.result["ReferenceData"]["ReferenceItem"] == [
        {"Key": "BillReferenceNumber", "Value": 19008},
        {"Key": "Occassion"},
    ]
    assert await balances(simulator, STORE) == {"Merchant Account": 190_00}
    assert (await balances(simulator, PAYBILL))["Working Account"] == 810_00


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"CommandID": "BusinessPayBill", "PartyB": "174379"}, 0),
        ({"CommandID": "BusinessPayToBulk", "PartyB": "174379"}, 0),
        ({"RecieverIdentifierType": "2"}, 0),
        ({"CommandID": "BusinessPayBill"}, 2028),
        ({"PartyB": "174379"}, 2028),
        ({"PartyB": "888999"}, "SFC_IC0003"),
        ({"Amount": "1001"}, 1),
    ],
)
async def test_each_command_pays_its_own_kind_of_receiver(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, changes: dict[str, Any], code: int | str
):
    assert (await told(simulator, funded, receiver, B2B, **changes)).result["ResultCode"] == code
    expected = 810_00 if code == 0 else 1000_00
    assert (await balances(simulator, PAYBILL))["Working Account"] == expected


async def test_tax_goes_to_the_tax_authority(simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver):
    assert (await told(simulator, funded, receiver, TAX)).result["ResultCode"] == 0
    assert await balances(simulator, "572572") == {"Utility Account": 190_00}


async def test_the_balance_is_the_ledgers(simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver):
    await simulator.control.pay(PAYER, PAYBILL, 300)
    parameters = (await told(simulator, funded, receiver, BALANCE)).parameters
    assert parameters["AccountBalance"] == (
        "Working Account|KES|1000.00|1000.00|0.00|0.00&Utility Account|KES|1300.00|1300.00|0.00|0.00"
        "&Charges Paid Account|KES|0.00|0.00|0.00|0.00&Organization Settlement Account|KES|0.00|0.00|0.00|0.00"
    )
    assert isinstance(parameters["BOCompletedTime"], int)
    await simulator.control.pay(PAYER, TILL, 120)
    parameters = (await told(simulator, funded, receiver, BALANCE, PartyA=TILL, IdentifierType="2")).parameters
    assert parameters["AccountBalance"] == (
        "Working Account|KES|0.00|0.00|0.00|0.00&Merchant Account|KES|120.00|120.00|0.00|0.00"
        "&Charges Paid Account|KES|0.00|0.00|0.00|0.00"
    )


async def test_a_payment_is_known_by_its_receipt(simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver):
    paid = await simulator.control.pay(PAYER, PAYBILL, 300, name="JANE DOE")
    result = await told(simulator, funded, receiver, STATUS, TransactionID=paid["receipt"], Occasion="why")
    parameters = result.parameters
    assert (parameters["TransactionStatus"], parameters["ReceiptNo"]) == ("Completed", paid["receipt"])
    assert (parameters["Amount"], parameters["ReasonType"]) == (300.0, "Pay Bill")
    assert parameters["CreditPartyName"] == "650880 - PAYME TOKENS"
    assert parameters["DebitPartyName"].startswith(f"{PAYER} - ")
    assert parameters["DebitAccountType"] == "MMF Account For Customer"
    assert parameters["FinalisedTime"] == 20261122120000
    assert {"Key": "TransactionReason"} in result.result["ResultParameters"]["ResultParameter"]
    assert result.result["ReferenceData"]["ReferenceItem"] == {"Key": "Occasion", "Value": "why"}


@pytest.mark.parametrize(
    ("field", "of"),
    [
        ("OriginalConversationID", "ConversationID"),
        ("OriginatorConversationID", "ConversationID"),
        ("OriginalConversationID", "OriginatorConversationID"),
        ("OriginatorConversationID", "OriginatorConversationID"),
    ],
)
async def test_a_payout_is_known_by_either_id_under_either_name(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, field: str, of: str
):
    paid = (await told(simulator, funded, receiver, B2C)).result
    parameters = (await told(simulator, funded, receiver, STATUS, TransactionID="", **{field: paid[of]})).parameters
    assert (parameters["ReceiptNo"], parameters["TransactionStatus"]) == (paid["TransactionID"], "Completed")
    assert parameters["ConversationID"] == paid["ConversationID"]
    assert parameters["OriginatorConversationID"] == "pay-1"


async def test_what_is_on_its_way_is_authorized_and_what_failed_is_declined(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver
):
    await simulator.control.fault("b2c", "queue_timeout", seconds=600)
    await funded.errand(B2C)
    await simulator.control.advance(3)
    await receiver.next()
    asked = {"TransactionID": "", "OriginalConversationID": "pay-1"}
    pending = (await told(simulator, funded, receiver, STATUS, **asked)).parameters
    assert (pending["TransactionStatus"], pending["ReceiptNo"], pending["FinalisedTime"]) == ("Authorized", None, None)
    await told(simulator, funded, receiver, B2C, OriginatorConversationID="pay-2", Amount="1001")
    failed = await told(simulator, funded, receiver, STATUS, TransactionID="", OriginalConversationID="pay-2")
    assert failed.parameters["TransactionStatus"] == "Declined"


@pytest.mark.parametrize("asked", [{"TransactionID": "UKM1234567"}, {"OriginalConversationID": "no-such-id"}])
async def test_what_never_was_is_2032(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver, asked: dict[str, str]
):
    result = (await told(simulator, funded, receiver, STATUS, **({"TransactionID": ""} | asked))).result
    assert (result["ResultCode"], result["ResultDesc"]) == (2032, "The transaction receipt number does not exist.")


async def test_nobody_is_told_of_anothers_payment(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver
):
    paid = await simulator.control.pay(PAYER, TILL, 300)
    asked = {"TransactionID": paid["receipt"]}
    assert (await told(simulator, funded, receiver, STATUS, **asked)).result["ResultCode"] == 2032
    assert (await told(simulator, funded, receiver, STATUS, **asked, PartyA=STORE)).result["ResultCode"] == 0


async def test_a_payment_is_given_back_once(simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver):
    paid = await simulator.control.pay(PAYER, PAYBILL, 300)
    assert await balances(simulator, PAYER) == {"Wallet": 499_700_00}
    result = await told(simulator, funded, receiver, REVERSAL, TransactionID=paid["receipt"])
    parameters = result.parameters
    assert parameters["OriginalTransactionID"] == paid["receipt"] != result.result["TransactionID"]
    assert parameters["DebitAccountBalance"] == "Utility Account|KES|1000.00|1000.00|0.00|0.00"
    assert (parameters["Amount"], parameters["Charge"]) == (300.0, 0)
    assert parameters["CreditPartyPublicName"].startswith(f"{PAYER} - ")
    assert await balances(simulator, PAYER) == {"Wallet": 500_000_00}
    again = (await told(simulator, funded, receiver, REVERSAL, TransactionID=paid["receipt"])).result
    assert (again["ResultCode"], again["TransactionID"]) == ("R000001", "UKM0000000")
    assert (await balances(simulator, PAYBILL))["Utility Account"] == 1000_00


async def test_two_reversals_at_once_give_back_once(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver
):
    paid = await simulator.control.pay(PAYER, PAYBILL, 300)
    for _ in range(2):
        await funded.errand(REVERSAL, TransactionID=paid["receipt"])
    await simulator.control.advance(3)
    assert sorted(str(each.result["ResultCode"]) for each in receiver.arrived) == ["0", "R000001"]
    assert await balances(simulator, PAYER) == {"Wallet": 500_000_00}


async def test_a_reversal_gives_back_only_its_own_whole_payment(
    simulator: SimulatorProcess, funded: Shop, receiver: CallbackReceiver
):
    till = await simulator.control.pay(PAYER, TILL, 300)
    own = await simulator.control.pay("254711222366", PAYBILL, 300)
    payout = (await told(simulator, funded, receiver, B2C)).result["TransactionID"]
    cases = [("UKM1234567", 300), (till["receipt"], 300), (payout, 10), (own["receipt"], 299)]
    codes = [
        (await told(simulator, funded, receiver, REVERSAL, TransactionID=receipt, Amount=str(amount))).result[
            "ResultCode"
        ]
        for receipt, amount in cases
    ]
    assert codes == ["R000002", "R000002", "R000002", 2006]
    assert (await balances(simulator, PAYBILL))["Utility Account"] == 1290_00


async def test_money_that_has_left_cannot_be_given_back(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    paid = await simulator.control.pay(PAYER, PAYBILL, 300)
    await simulator.control.deposit(PAYBILL, -100_00)
    assert (await told(simulator, shop, receiver, REVERSAL, TransactionID=paid["receipt"])).result["ResultCode"] == 1
    assert await balances(simulator, PAYBILL) == {"Utility Account": 200_00}


async def test_a_paid_prompt_can_be_given_back_and_asked_about(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.pushed("254711222300", 300)
    await simulator.control.advance(3)
    receipt = (await receiver.next()).items["MpesaReceiptNumber"]
    asked = {"TransactionID": receipt, "PartyA": "174379"}
    answer = (await told(simulator, shop, receiver, STATUS, **asked)).parameters
    assert (answer["ReasonType"], answer["TransactionStatus"]) == ("Pay Bill Online", "Completed")
    reversal = await told(simulator, shop, receiver, REVERSAL, TransactionID=receipt, ReceiverParty="174379")
    assert reversal.result["ResultCode"] == 0
    moved = (await simulator.control.ledger())["movements"]
    assert [each["linked_receipt"] for each in moved] == ["", receipt]
    assert json.loads(reversal.raw)["Result"]["TransactionID"] == moved[1]["receipt"]
    assert (await told(simulator, shop, receiver, STATUS, **asked)).parameters["TransactionStatus"] == "Reversed"
    of_reversal = {"TransactionID": moved[1]["receipt"], "PartyA": "174379"}
    assert (await told(simulator, shop, receiver, STATUS, **of_reversal)).parameters["TransactionStatus"] == "Completed"
