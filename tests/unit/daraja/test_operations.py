"""What an operator orders and asks: the exact bodies, and what is refused before anything is sent."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_curve_key
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from payme.integrations.daraja import (
    KRA_SHORTCODE,
    B2bCommand,
    B2cCommand,
    B2cVersion,
    BalanceQuery,
    IdentifierType,
    Initiator,
    InvalidRequest,
    OperatingAccount,
    Payout,
    Reversal,
    StatusQuery,
    Transfer,
    WholeShillingsOnly,
    remarks_from,
)
from tests.operators import URLS, an_account, an_initiator, certificate, expired_certificate, opened

ADDRESSES = {"ResultURL": URLS.result_url, "QueueTimeOutURL": URLS.timeout_url}


def a_payout(**changes: Any) -> Payout:
    return replace(Payout(an_account(), URLS, "pay-7f3c", "0705912645", 100_00, "refund 42"), **changes)


def a_transfer(**changes: Any) -> Transfer:
    transfer = Transfer(an_account(), URLS, B2bCommand.BUSINESS_PAY_BILL, "888880", 100_00, "INV 7/a", "stock")
    return replace(transfer, **changes)


def a_reversal(**changes: Any) -> Reversal:
    return replace(Reversal(an_account(), URLS, "UKM8RT2K1P", 100_00, "wrong till"), **changes)


def a_status(**changes: Any) -> StatusQuery:
    return replace(StatusQuery(an_account(), URLS, receipt="UKM8RT2K1P"), **changes)


def without_credential(body: dict[str, Any]) -> dict[str, Any]:
    assert opened(body["SecurityCredential"]) == "Duka#2026%"
    return {name: value for name, value in body.items() if name != "SecurityCredential"}


def test_a_payout_of_version_three_carries_our_id():
    assert without_credential(a_payout(occasion="x").body()) == {
        "OriginatorConversationID": "pay-7f3c",
        "InitiatorName": "dukaapi",
        "CommandID": "BusinessPayment",
        "Amount": "100",
        "PartyA": "600992",
        "PartyB": "254705912645",
        "Remarks": "refund 42",
        "Occassion": "x",
        **ADDRESSES,
    }


def test_a_payout_of_version_one_has_no_id_and_another_spelling():
    body = a_payout(command=B2cCommand.SALARY_PAYMENT).body(B2cVersion.V1)
    assert body["CommandID"] == "SalaryPayment"
    assert body["Occasion"] == "refund 42"
    assert not {"OriginatorConversationID", "Occassion"} & set(body)


def test_a_payout_into_a_pochi_is_a_command_of_its_own():
    assert without_credential(a_payout().pochi_body()) == without_credential(a_payout().body()) | {
        "CommandID": "BusinessPayToPochi"
    }


def test_a_transfer_keeps_the_misspelling():
    assert without_credential(a_transfer().body()) == {
        "Initiator": "dukaapi",
        "CommandID": "BusinessPayBill",
        "SenderIdentifierType": "4",
        "RecieverIdentifierType": "4",
        "Amount": "100",
        "PartyA": "600992",
        "PartyB": "888880",
        "AccountReference": "INV 7/a",
        "Remarks": "stock",
        "Occassion": "stock",
        **ADDRESSES,
    }


def test_a_till_may_be_paid_as_a_till_and_for_somebody():
    transfer = a_transfer(
        command=B2bCommand.BUSINESS_BUY_GOODS,
        receiver_type=IdentifierType.TILL,
        account_reference="",
        requester="0705912645",
    )
    body = transfer.body()
    assert (body["CommandID"], body["RecieverIdentifierType"]) == ("BusinessBuyGoods", "2")
    assert (body["AccountReference"], body["Requester"]) == ("", "254705912645")


def test_tax_goes_to_the_tax_authority_alone():
    tax = a_transfer(command=B2bCommand.PAY_TAX_TO_KRA, recipient=KRA_SHORTCODE, account_reference="2026PRN123")
    assert tax.body()["PartyB"] == "572572"
    with pytest.raises(InvalidRequest):
        replace(tax, recipient="888880")


def test_a_reversal_names_the_receiver_as_safaricom_misspells_it():
    assert without_credential(a_reversal().body()) == {
        "Initiator": "dukaapi",
        "CommandID": "TransactionReversal",
        "TransactionID": "UKM8RT2K1P",
        "Amount": "100",
        "ReceiverParty": "600992",
        "RecieverIdentifierType": "11",
        "Remarks": "wrong till",
        "Occasion": "wrong till",
        **ADDRESSES,
    }


def test_a_status_is_asked_by_receipt():
    assert without_credential(a_status().body()) == {
        "Initiator": "dukaapi",
        "CommandID": "TransactionStatusQuery",
        "TransactionID": "UKM8RT2K1P",
        "PartyA": "600992",
        "IdentifierType": "4",
        "Remarks": "Status",
        "Occasion": "Status",
        **ADDRESSES,
    }


def test_a_status_is_asked_by_conversation_under_both_names():
    body = a_status(receipt=None, original_conversation_id="pay-7f3c").body()
    assert (body["OriginalConversationID"], body["OriginatorConversationID"]) == ("pay-7f3c", "pay-7f3c")
    assert "TransactionID" not in body


def test_a_balance_is_asked_for_a_shortcode():
    assert without_credential(BalanceQuery(an_account(), URLS).body()) == {
        "Initiator": "dukaapi",
        "CommandID": "AccountBalance",
        "PartyA": "600992",
        "IdentifierType": "4",
        "Remarks": "Balance",
        **ADDRESSES,
    }


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (a_payout, {"amount_cents": 9_00}),
        (a_payout, {"amount_cents": 250_001_00}),
        (a_payout, {"msisdn": "020123456"}),
        (a_payout, {"remarks": "x"}),
        (a_payout, {"remarks": "x" * 101}),
        (a_payout, {"remarks": "  x "}),
        (a_payout, {"remarks": "chai ☕"}),
        (a_payout, {"remarks": "two\nlines"}),
        (a_payout, {"occasion": "x" * 101}),
        (a_payout, {"originator_conversation_id": ""}),
        (a_payout, {"originator_conversation_id": "a b"}),
        (a_payout, {"originator_conversation_id": "x" * 65}),
        (a_transfer, {"amount_cents": 0}),
        (a_transfer, {"amount_cents": -1_00}),
        (a_transfer, {"amount_cents": 100_000_001_00}),
        (a_transfer, {"recipient": "0705912645"}),
        (a_transfer, {"account_reference": ""}),
        (a_transfer, {"account_reference": "x" * 14}),
        (a_transfer, {"receiver_type": IdentifierType.MSISDN}),
        (a_transfer, {"receiver_type": IdentifierType.REVERSAL}),
        (a_transfer, {"requester": "1"}),
        (a_transfer, {"remarks": ""}),
        (a_transfer, {"occasion": "x" * 101}),
        (a_reversal, {"receipt": "OAK0000000"}),
        (a_reversal, {"receipt": "UKM8RT2K1"}),
        (a_reversal, {"amount_cents": 0}),
        (a_reversal, {"amount_cents": 250_001_00}),
        (a_reversal, {"remarks": "x"}),
        (a_reversal, {"occasion": "x" * 101}),
        (a_status, {"receipt": None}),
        (a_status, {"original_conversation_id": "pay-7f3c"}),
        (a_status, {"receipt": "OAK0000000"}),
        (a_status, {"receipt": None, "original_conversation_id": "a b"}),
        (a_status, {"remarks": "x"}),
        (a_status, {"occasion": "x" * 101}),
    ],
)
def test_what_safaricom_would_refuse_is_refused_here(make: Callable[..., object], changes: dict[str, Any]):
    with pytest.raises(InvalidRequest):
        make(**changes)


@pytest.mark.parametrize("make", [a_payout, a_transfer, a_reversal])
def test_only_whole_shillings_travel(make: Callable[..., object]):
    with pytest.raises(WholeShillingsOnly):
        make(amount_cents=100_50)


def test_a_balance_has_remarks_and_an_account_a_shortcode():
    with pytest.raises(InvalidRequest):
        BalanceQuery(an_account(), URLS, remarks="x")
    with pytest.raises(InvalidRequest):
        OperatingAccount("12", an_initiator())


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_the_credential_is_the_password_for_safaricom_alone_and_new_each_time(encoding: Encoding):
    initiator = Initiator("dukaapi", "Duka#2026%", certificate(encoding))
    credentials = {initiator.security_credential() for _ in range(3)}
    assert len(credentials) == 3
    assert {opened(credential) for credential in credentials} == {"Duka#2026%"}
    assert {len(credential) for credential in credentials} == {344}


def a_curve_certificate() -> bytes:
    key = generate_curve_key(SECP256R1())
    return expired_certificate(key.public_key(), key).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    "made",
    [
        b"",
        b"certificate",
        certificate(Encoding.DER)[:-9],
        certificate().replace(b"\nM", b"\n!", 1),
        a_curve_certificate(),
    ],
)
def test_an_unreadable_certificate_is_refused(made: bytes):
    with pytest.raises(InvalidRequest) as refusal:
        Initiator("dukaapi", "Duka#2026%", made)
    assert refusal.value.facts["field"] == "certificate"


@pytest.mark.parametrize(("name", "password"), [("", "x"), ("dukaapi", ""), ("dukaapi", "x" * 246), ("d\nk", "x")])
def test_an_operator_has_a_name_and_a_password_that_can_be_encrypted(name: str, password: str):
    with pytest.raises(InvalidRequest):
        Initiator(name, password, certificate())


def test_secrets_and_people_stay_out_of_the_repr():
    shown = repr(a_payout())
    for hidden in ("Duka#2026%", "CERTIFICATE", "705912645", "6b1f"):
        assert hidden not in shown


@given(st.text(max_size=200))
def test_any_text_becomes_remarks_that_safaricom_takes(text: str):
    assert a_payout(remarks=remarks_from(text)).body()["Remarks"] == remarks_from(text)


@pytest.mark.parametrize(
    ("text", "remarks"),
    [("refund  of\nsale 42", "refund of sale 42"), ("☕", "PayMe"), ("x", "PayMe"), ("y" * 120, "y" * 100)],
)
def test_remarks_are_what_can_be_shown_of_a_text(text: str, remarks: str):
    assert remarks_from(text) == remarks
