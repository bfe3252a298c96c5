"""Payments by the customer's own doing: recorded bodies, oddities, noise, and the answers to a validation."""

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.integrations.daraja import (
    C2bPayment,
    MalformedCallback,
    ValidationRejection,
    is_receipt,
    parse_c2b,
    validation_accepts,
    validation_rejects,
)
from tests.unit.daraja.json_values import VALUES, any_json, texts_in

PAYBILL = {
    "TransactionType": "Pay Bill",
    "TransID": "RKL51ZDR4F",
    "TransTime": "20231121121325",
    "TransAmount": "5.00",
    "BusinessShortCode": "600966",
    "BillRefNumber": "Sample Transaction",
    "InvoiceNumber": "",
    "OrgAccountBalance": "25.00",
    "ThirdPartyTransID": "",
    "MSISDN": "2547 ***** 126",
    "FirstName": "FIRST",
    "MiddleName": "",
    "LastName": "",
}
HASH = hashlib.sha256(b"254708374149").hexdigest()


def read(**changes: object) -> C2bPayment:
    return parse_c2b(json.dumps(PAYBILL | changes).encode())


def test_a_confirmation_of_a_paybill():
    payment = read()
    assert payment == C2bPayment(
        transaction_type="Pay Bill",
        receipt="RKL51ZDR4F",
        amount_cents=5_00,
        paid_at=datetime(2023, 11, 21, 9, 13, 25, tzinfo=UTC),
        shortcode="600966",
        bill_reference="Sample Transaction",
        payer_name="FIRST",
        msisdn="2547 ***** 126",
        org_balance_cents=25_00,
    )


def test_a_till_has_no_reference_and_older_traffic_has_nulls():
    nulls = dict.fromkeys(["BillRefNumber", "InvoiceNumber", "ThirdPartyTransID", "MSISDN", "MiddleName", "LastName"])
    payment = read(TransactionType="Customer Merchant Payment", **nulls)
    assert (payment.transaction_type, payment.bill_reference) == ("Customer Merchant Payment", "")
    assert (payment.msisdn, payment.oddities) == (None, ())


def test_a_validation_has_no_balance_and_that_is_not_odd():
    payment = read(OrgAccountBalance="")
    assert (payment.org_balance_cents, payment.oddities) == (None, ())


@pytest.mark.parametrize(
    ("written", "cents"),
    [("5.00", 5_00), ("10", 10_00), (10, 10_00), (1.5, 1_50), ("0.01", 1), (" 5.00 ", 5_00), ("250000.00", 250_000_00)],
)
def test_an_amount_is_text_or_number(written: object, cents: int):
    assert read(TransAmount=written).amount_cents == cents


@pytest.mark.parametrize(
    "written",
    [
        "",
        None,
        "0",
        "0.00",
        0,
        "-5.00",
        -5,
        "5.001",
        "1,000.00",
        "KES 5",
        "five",
        "NaN",
        "1e9",
        "100000001",
        True,
        ["5.00"],
        {"Amount": 5},
        "5." + "0" * 70 + "9",
        "\u0665",
    ],
)
def test_nothing_is_credited_without_a_whole_positive_amount(written: object):
    with pytest.raises(MalformedCallback) as refusal:
        read(TransAmount=written)
    assert refusal.value.fault == "it has no amount that could be credited"


@pytest.mark.parametrize(
    "written", ["", None, "OAK0000000", "RKL51ZDR4", "RKL51ZDR4FF", "rkl51zdr4f", 7, ["RKL51ZDR4F"]]
)
def test_nothing_is_credited_without_a_real_receipt(written: object):
    with pytest.raises(MalformedCallback) as refusal:
        read(TransID=written)
    assert refusal.value.fault == "it has no receipt"


def test_numbers_may_stand_for_texts():
    payment = read(
        BusinessShortCode=7654321,
        MSISDN=254708374149,
        TransTime=20231121121325,
        BillRefNumber=42,
        OrgAccountBalance=-1.5,
    )
    assert (payment.shortcode, payment.msisdn, payment.bill_reference) == ("7654321", "254708374149", "42")
    assert payment.org_balance_cents == -1_50
    assert payment.paid_at == read().paid_at


def test_the_body_may_stand_in_a_list_of_one_and_its_names_in_any_case():
    lower = {name.lower(): value for name, value in PAYBILL.items()}
    assert parse_c2b(json.dumps([lower | {"newField": {"a": [1]}}]).encode()) == read()


def test_two_amounts_or_two_receipts_are_none():
    for name in ("TransAmount", "TransID"):
        with pytest.raises(MalformedCallback):
            read(**{name.lower(): "RKL51ZDR4G"})


def test_what_is_odd_is_left_out_and_named():
    payment = read(
        TransTime="20231341121325", BusinessShortCode="duka", OrgAccountBalance="much", billrefnumber="other"
    )
    assert (payment.paid_at, payment.shortcode, payment.org_balance_cents, payment.bill_reference) == (
        None,
        "",
        None,
        "",
    )
    assert set(payment.oddities) == {"TransTime", "BusinessShortCode", "OrgAccountBalance", "billrefnumber"}


@pytest.mark.parametrize(
    ("first", "middle", "last", "name"),
    [
        ("JANE", "WANJIRU", "O'BRIEN", "JANE WANJIRU O'BRIEN"),
        ("254708374149 - JANE", "", "DOE", "JANE DOE"),
        ("2547 ***** 126 - JANE", None, None, "JANE"),
        ("2547... - JANE", None, None, "JANE"),
        ("  JANE   W ", "", "", "JANE W"),
        ("254708374149", "", "", ""),
        ("ANNE-MARIE", "", "2", "ANNE-MARIE 2"),
        (None, None, None, ""),
    ],
)
def test_a_payer_has_one_tidy_name(first: object, middle: object, last: object, name: str):
    assert read(FirstName=first, MiddleName=middle, LastName=last).payer_name == name


@pytest.mark.parametrize("written", [HASH, HASH.upper(), "2547 ***** 126", f"{HASH[:34]} ***** {HASH[:25]}"])
def test_a_number_stands_as_it_was_told(written: str):
    assert read(MSISDN=written).msisdn == written


def test_person_and_number_stay_out_of_the_repr():
    shown = repr(read(MSISDN="254708374149", FirstName="JANE"))
    assert "708374149" not in shown
    assert "JANE" not in shown


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"null", b"[]", b"[{},{}]", b'"x"', b"\xff\xfe", json.dumps(PAYBILL).encode() + b" " * 70_000]
)
def test_what_is_no_payment_is_malformed(raw: bytes):
    with pytest.raises(MalformedCallback):
        parse_c2b(raw)


@given(st.binary(max_size=2_000))
def test_any_bytes_are_a_payment_or_malformed(raw: bytes):
    with pytest.raises(MalformedCallback):
        parse_c2b(raw)


@given(st.dictionaries(st.sampled_from(list(PAYBILL)), VALUES))
def test_any_json_is_a_payment_of_what_stands_in_it_or_malformed(changes: dict[str, object]):
    message = PAYBILL | changes
    try:
        payment = parse_c2b(json.dumps(message).encode())
    except MalformedCallback:
        return
    assert payment.receipt in texts_in(message["TransID"])
    assert is_receipt(payment.receipt)
    assert payment.amount_cents > 0
    assert payment.amount_cents in {Decimal(text) * 100 for text in texts_in(message["TransAmount"])}
    assert payment.paid_at is None or payment.paid_at.tzinfo is UTC


@given(any_json(list(PAYBILL)))
def test_any_shape_is_a_payment_or_malformed(value: object):
    try:
        payment = parse_c2b(json.dumps(value).encode())
    except MalformedCallback:
        return
    assert payment.receipt in texts_in(value)


def test_a_validation_is_answered_in_safaricoms_words():
    assert validation_accepts() == {"ResultCode": "0", "ResultDesc": "Accepted"}
    assert validation_accepts("sale-7")["ThirdPartyTransID"] == "sale-7"
    assert [validation_rejects(code) for code in ValidationRejection] == [
        {"ResultCode": f"C2B0001{digit}", "ResultDesc": "Rejected"} for digit in range(1, 7)
    ]
