"""The STK callback: recorded shapes, oddities, forgeries and noise."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.integrations.daraja import MalformedCallback, Reason, Standing, StkCallback, parse_stk_callback

CHECKOUT = "ws_CO_28092026143005123708374149"
WIRE_ITEMS = [
    {"Name": "Amount", "Value": 190.00},
    {"Name": "MpesaReceiptNumber", "Value": "UIS632NMAB"},
    {"Name": "Balance"},
    {"Name": "TransactionDate", "Value": 20260928143014},
    {"Name": "PhoneNumber", "Value": 254708374149},
]


def a_callback(code: object = 0, items: object = None, **changes: object) -> bytes:
    message = {
        "MerchantRequestID": "2654-4b64-97ff-b827b542881d3130",
        "CheckoutRequestID": CHECKOUT,
        "ResultCode": code,
        "ResultDesc": "The service request is processed successfully.",
    }
    if items is not None:
        message["CallbackMetadata"] = items
    return json.dumps({"Body": {"stkCallback": message | changes}}).encode()


def read(items: list[object]) -> StkCallback:
    return parse_stk_callback(a_callback(items={"Item": items}))


def with_value(name: str, value: object) -> StkCallback:
    return read([{"Name": name, "Value": value} if item["Name"] == name else item for item in WIRE_ITEMS])


def test_a_payment_as_the_wire_has_it():
    callback = parse_stk_callback(a_callback(items={"Item": WIRE_ITEMS}))
    assert callback.standing is Standing.PAID
    assert callback.result_code == "0"
    assert callback.checkout_request_id == CHECKOUT
    assert callback.merchant_request_id == "2654-4b64-97ff-b827b542881d3130"
    assert callback.amount_cents == 190_00
    assert callback.mpesa_receipt_number == "UIS632NMAB"
    assert callback.paid_at == datetime(2026, 9, 28, 11, 30, 14, tzinfo=UTC)
    assert callback.msisdn == "254708374149"
    assert callback.oddities == ()


def test_items_are_found_by_name_in_any_order():
    assert read(WIRE_ITEMS[::-1]) == read(WIRE_ITEMS)
    assert read([*WIRE_ITEMS, {"Name": "New", "Value": {"a": 1}}]) == read(WIRE_ITEMS)


@pytest.mark.parametrize(
    "metadata",
    [
        {"Item": WIRE_ITEMS},
        [{"Item": WIRE_ITEMS}],
        WIRE_ITEMS,
        {"Item": [*WIRE_ITEMS, None, 7, "x", {}, {"Name": None, "Value": 1}, {"Value": 1}]},
    ],
)
def test_metadata_may_be_an_object_or_an_array(metadata: object):
    callback = parse_stk_callback(a_callback(items=metadata))
    assert (callback.amount_cents, callback.mpesa_receipt_number) == (190_00, "UIS632NMAB")


def test_a_single_item_may_stand_without_its_array():
    callback = parse_stk_callback(a_callback(items={"Item": {"Name": "Amount", "Value": "5.00"}}))
    assert callback.amount_cents == 5_00
    assert callback.oddities == ("MpesaReceiptNumber", "TransactionDate", "PhoneNumber")


@pytest.mark.parametrize(
    ("raw", "cents"),
    [("1.00", 100), ('"5.00"', 500), ("10", 1000), ('"190.00"', 19_000), ("0.29", 29), ("1e2", 10_000), ("8.1", 810)],
)
def test_an_amount_is_exact_whatever_its_spelling(raw: str, cents: int):
    body = a_callback(items={"Item": [{"Name": "Amount", "Value": "@"}]}).replace(b'"@"', raw.encode())
    assert parse_stk_callback(body).amount_cents == cents


@pytest.mark.parametrize(
    "value", [-1, "1.005", "NaN", "Infinity", "1e999999", 10**12, "ten", "", True, [], {}, "1e-999999", "0x10", "1_000"]
)
def test_an_amount_that_is_none_is_left_out_and_named(value: object):
    callback = with_value("Amount", value)
    assert callback.amount_cents is None
    assert "Amount" in callback.oddities
    assert callback.standing is Standing.PAID


@pytest.mark.parametrize("value", ["ug632nmuab", "UIS632NMABC", "", 7, None, ["UIS632NMAB"], "UIS632NMA\u0000"])
def test_a_receipt_of_another_form_is_left_out_and_named(value: object):
    callback = with_value("MpesaReceiptNumber", value)
    assert callback.mpesa_receipt_number is None
    assert "MpesaReceiptNumber" in callback.oddities


def test_the_dummy_receipt_of_a_failure_is_no_payment():
    callback = with_value("MpesaReceiptNumber", "UIS0000000")
    assert callback.standing is Standing.UNKNOWN
    assert callback.mpesa_receipt_number is None


@pytest.mark.parametrize("value", ["20260928143014", 20260928143014])
def test_a_stamp_is_nairobi_time(value: object):
    assert with_value("TransactionDate", value).paid_at == datetime(2026, 9, 28, 11, 30, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["2026-09-28 14:30:14", 20261328143014, 10101000000, "00010101000000", "٢٠٢٦٠٩٢٨١٤٣٠١٤"]
)
def test_a_stamp_that_is_none_is_left_out_and_named(value: object):
    callback = with_value("TransactionDate", value)
    assert callback.paid_at is None
    assert "TransactionDate" in callback.oddities


def test_a_masked_phone_is_kept_as_text():
    assert with_value("PhoneNumber", "254708***149").msisdn == "254708***149"


def test_one_name_with_two_values_has_none():
    callback = read([*WIRE_ITEMS, {"Name": "Amount", "Value": 1}])
    assert callback.amount_cents is None
    assert callback.oddities == ("Amount",)


@pytest.mark.parametrize(
    ("code", "standing", "reason"),
    [
        (1032, Standing.FAILED, Reason.CANCELLED),
        ("1032", Standing.FAILED, Reason.CANCELLED),
        (1037, Standing.FAILED, Reason.UNREACHABLE),
        (2001, Standing.FAILED, Reason.PIN),
        ("SFC_IC0003", Standing.FAILED, Reason.CONFIG),
        (4999, Standing.PENDING, None),
        (31337, Standing.UNKNOWN, None),
        (0.0, Standing.UNKNOWN, None),
        ("zero", Standing.UNKNOWN, None),
    ],
)
@pytest.mark.parametrize(
    "changes", [{}, {"CallbackMetadata": None}, {"CallbackMetadata": {}}, {"CallbackMetadata": []}]
)
def test_a_failure_has_no_metadata_and_no_oddities(
    code: object, standing: Standing, reason: Reason | None, changes: dict[str, object]
):
    callback = parse_stk_callback(a_callback(code, ResultDesc="[STK_CB - ]Request cancelled by user", **changes))
    assert (callback.standing, callback.reason, callback.result_code) == (standing, reason, str(code))
    assert (callback.amount_cents, callback.mpesa_receipt_number, callback.oddities) == (None, None, ())


def test_text_is_made_safe_to_store():
    callback = parse_stk_callback(a_callback(1032, ResultDesc="a\u0000b\nc\ud800" + "x" * 500))
    assert callback.result_text == ("a\ufffdb\ufffdc\ufffd" + "x" * 500)[:200]
    callback.result_text.encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html>Request unsuccessful. Incapsula incident ID: 1</html>",
        b'{"Body":{}}',
        b'{"Body":{"stkCallback":[]}}',
        b'{"Body":{"stkCallback":{"ResultCode":0}}}',
        a_callback(None),
        a_callback(True),
        a_callback([0]),
        a_callback({"code": 0}),
        a_callback("9" * 33),
        a_callback(CheckoutRequestID=""),
        a_callback(CheckoutRequestID=None),
        a_callback(CheckoutRequestID="a b"),
        a_callback(CheckoutRequestID="x" * 129),
        a_callback(items={"Item": "@"}).replace(b'"@"', b"[" * 5_000 + b"]" * 5_000),
        a_callback(items={"Item": "@"}).replace(b'"@"', b"[" * 20 + b"]" * 20),
        a_callback(items={"Item": "@"}).replace(b'"@"', b"NaN"),
        a_callback(items={"Item": "@"}).replace(b'"@"', b"9" * 5_000),
        a_callback(items={"Item": "@"}).replace(b'"@"', b"1e" + b"9" * 40),
        a_callback(items={"Item": "x" * 70_000}),
        '{"Body": "\ud800"}'.encode("utf-8", "surrogatepass"),
        a_callback().decode().encode("utf-16"),
    ],
)
def test_what_is_no_callback_is_malformed(raw: bytes):
    with pytest.raises(MalformedCallback):
        parse_stk_callback(raw)


def test_a_byte_order_mark_is_read_over():
    assert parse_stk_callback(b"\xef\xbb\xbf" + a_callback(1032)).standing is Standing.FAILED


def test_ids_and_phone_stay_out_of_the_repr():
    shown = repr(read(WIRE_ITEMS))
    assert "708374149" not in shown


@given(st.binary(max_size=2_000))
def test_any_bytes_are_a_callback_or_malformed(raw: bytes):
    try:
        parse_stk_callback(raw)
    except MalformedCallback:
        return


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(["0", 0, "1032"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(st.text(max_size=5), st.sampled_from(["Name", "Value", "Item", "Amount", "ResultCode"])), inner
        ),
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_a_callback_or_malformed(value: object):
    try:
        parse_stk_callback(json.dumps(value).encode())
    except MalformedCallback:
        return


NAMES = st.sampled_from(["Amount", "MpesaReceiptNumber", "TransactionDate", "PhoneNumber", "Balance"])
ITEMS = st.lists(st.fixed_dictionaries({"Name": NAMES, "Value": JSON}), max_size=6)


@given(code=JSON, items=st.one_of(ITEMS, JSON), text=JSON)
def test_nothing_is_paid_unless_its_code_is_the_text_zero(code: object, items: object, text: object):
    try:
        callback = parse_stk_callback(a_callback(code, items={"Item": items}, ResultDesc=text))
    except MalformedCallback:
        return
    if callback.standing is Standing.PAID:
        assert str(code) == "0"
    assert callback.amount_cents is None or 0 <= callback.amount_cents <= 10**10
    assert callback.paid_at is None or callback.paid_at.tzinfo is UTC
