"""Requests: whole shillings, field rules, one instant in Nairobi, numbers as numbers."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.integrations.daraja import (
    CollectionAccount,
    InvalidRequest,
    ShortcodeKind,
    StkPush,
    StkQuery,
    WholeShillingsOnly,
    description_from,
)

PAYBILL = CollectionAccount(ShortcodeKind.PAYBILL, "174379", passkey="pass-key")
TILL = CollectionAccount(ShortcodeKind.BUY_GOODS, "600100", passkey="pass-key", till_number="5123456")
AT = datetime(2026, 9, 28, 21, 30, 5, tzinfo=UTC)


PUSH = StkPush(
    account=PAYBILL,
    msisdn="254708374149",
    amount_cents=100_00,
    callback_url="http://127.0.0.1/d/6b1f/stk",
    account_reference="INV-42",
    description="Duka 7",
)


def a_push(**changes: Any) -> StkPush:
    return replace(PUSH, **changes)


def test_a_paybill_push_is_written_as_the_portal_writes_it():
    assert a_push().body(AT) == {
        "BusinessShortCode": 174379,
        "Password": base64.b64encode(b"174379pass-key20260929003005").decode(),
        "Timestamp": "20260929003005",
        "TransactionType": "CustomerPayBillOnline",
        "Amount": 100,
        "PartyA": 254708374149,
        "PartyB": 174379,
        "PhoneNumber": 254708374149,
        "CallBackURL": "http://127.0.0.1/d/6b1f/stk",
        "AccountReference": "INV-42",
        "TransactionDesc": "Duka 7",
    }


def test_a_till_push_is_signed_by_the_store_and_paid_to_the_till():
    body = a_push(account=TILL).body(AT)
    assert (body["BusinessShortCode"], body["PartyB"]) == (600100, 5123456)
    assert body["TransactionType"] == "CustomerBuyGoodsOnline"
    assert base64.b64decode(str(body["Password"])) == b"600100pass-key20260929003005"


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001 - made aware below
def test_the_password_holds_the_very_timestamp_in_nairobi_time(moment: datetime, hours: int):
    at = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    body = a_push().body(at)
    assert base64.b64decode(str(body["Password"])).decode().endswith(str(body["Timestamp"]))
    expected = at.astimezone(timezone(timedelta(hours=3)))
    assert body["Timestamp"] == expected.strftime("%Y%m%d%H%M%S")


@pytest.mark.parametrize("amount_cents", [1, 99, 100_50, -1])
def test_a_fraction_of_a_shilling_is_refused(amount_cents: int):
    with pytest.raises(WholeShillingsOnly):
        a_push(amount_cents=amount_cents)


@pytest.mark.parametrize("amount_cents", [0, -100, 250_001_00])
def test_an_amount_outside_the_limits_is_refused(amount_cents: int):
    with pytest.raises(InvalidRequest) as refusal:
        a_push(amount_cents=amount_cents)
    assert refusal.value.facts["field"] == "amount_cents"


@pytest.mark.parametrize("amount_cents", [1_00, 250_000_00])
def test_the_limits_themselves_are_taken(amount_cents: int):
    assert a_push(amount_cents=amount_cents).body(AT)["Amount"] == amount_cents // 100


@pytest.mark.parametrize("msisdn", ["0708374149", "708 374 149", "+254708374149", "254708374149"])
def test_a_phone_travels_as_a_number_of_twelve_digits(msisdn: object):
    assert a_push(msisdn=msisdn).body(AT)["PhoneNumber"] == 254708374149


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("msisdn", "254208374149"),
        ("msisdn", "12345"),
        ("msisdn", "2547083741490"),
        ("msisdn", "٢٥٤٧٠٨٣٧٤١٤٩"),
        ("account_reference", ""),
        ("account_reference", "INVOICE-00042"),
        ("account_reference", "INV 42"),
        ("account_reference", "INV_42"),
        ("account_reference", "INV42\n"),
        ("description", ""),
        ("description", " "),
        ("description", "fourteen chars"),
        ("description", "Duka <7>"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named(field: str, value: object):
    with pytest.raises(InvalidRequest) as refusal:
        a_push(**{field: value})
    assert refusal.value.facts["field"] == field
    assert "value" not in refusal.value.facts


@pytest.mark.parametrize(
    ("kind", "shortcode", "till_number", "field"),
    [
        ("paybill", "1234", None, "shortcode"),
        ("paybill", "12345678", None, "shortcode"),
        ("paybill", "17437x", None, "shortcode"),
        ("paybill", "174379", "5123456", "till_number"),
        ("buy_goods", "600100", None, "till_number"),
        ("buy_goods", "600100", "12", "till_number"),
    ],
)
def test_store_and_till_cannot_be_mixed_up(kind: str, shortcode: str, till_number: str | None, field: str):
    with pytest.raises(InvalidRequest) as refusal:
        CollectionAccount(ShortcodeKind(kind), shortcode, passkey="pass-key", till_number=till_number)
    assert refusal.value.facts["field"] == field


def test_a_query_is_signed_like_the_push():
    body = StkQuery(TILL, "ws_CO_1007202409152617172396192").body(AT)
    assert body == {
        "BusinessShortCode": 600100,
        "Password": base64.b64encode(b"600100pass-key20260929003005").decode(),
        "Timestamp": "20260929003005",
        "CheckoutRequestID": "ws_CO_1007202409152617172396192",
    }


@pytest.mark.parametrize("checkout_request_id", ["", " ", "a b", "x" * 129, "ws_CO\n"])
def test_there_is_nothing_to_ask_without_an_id(checkout_request_id: str):
    with pytest.raises(InvalidRequest):
        StkQuery(PAYBILL, checkout_request_id)


@given(st.text())
def test_any_text_makes_a_description_that_may_be_sent(text: str):
    assert a_push(description=description_from(text)).description


def test_a_description_keeps_what_the_prompt_can_show():
    assert description_from("Mama Njeri's Duka, Gikomba") == "Mama Njeri s"
    assert description_from("💰") == "Payment"


def test_no_secret_and_no_phone_stands_in_a_repr():
    shown = repr(a_push()) + repr(StkQuery(PAYBILL, "ws_CO_1007202409152617708374149"))
    for hidden in ("pass-key", "708374149", "6b1f"):
        assert hidden not in shown
