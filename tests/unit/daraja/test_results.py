"""The result envelope: recorded shapes of each product, failures with real-looking ids, oddities and noise."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.integrations.daraja import (
    MalformedCallback,
    OperationResult,
    Product,
    QueueTimeout,
    Reason,
    Standing,
    b2b_details,
    b2c_details,
    balances,
    is_receipt,
    parse_result,
    parse_timeout,
    reversal_details,
    status_details,
)
from tests.unit.daraja.json_values import VALUES, any_json, texts_in

ENVELOPE = {
    "ResultType": 0,
    "ResultCode": 0,
    "ResultDesc": "The service request is processed successfully.",
    "OriginatorConversationID": "pay-7f3c",
    "ConversationID": "AG_20261122_00004e48cf7e3533f581",
    "TransactionID": "UKM41H4ML4",
}
MONEY = [Product.B2C, Product.B2B, Product.REVERSAL]
NAMES = [
    "Result",
    "ResultCode",
    "ConversationID",
    "TransactionID",
    "ResultParameters",
    "ResultParameter",
    "Key",
    "Value",
]


def a_result(items: object = None, **changes: object) -> bytes:
    parameters = {} if items is None else {"ResultParameters": {"ResultParameter": items}}
    return json.dumps({"Result": ENVELOPE | parameters | changes}).encode()


def pairs(**values: Any) -> list[dict[str, Any]]:
    return [{"Key": key} | ({} if value is None else {"Value": value}) for key, value in values.items()]


def test_a_success_moved_money_and_names_its_receipt():
    result = parse_result(a_result(pairs(TransactionAmount=10)), Product.B2C)
    assert result == OperationResult(
        product=Product.B2C,
        standing=Standing.PAID,
        reason=None,
        result_code="0",
        result_text="The service request is processed successfully.",
        originator_conversation_id="pay-7f3c",
        conversation_id="AG_20261122_00004e48cf7e3533f581",
        transaction_id="UKM41H4ML4",
        parameters={"TransactionAmount": "10"},
    )


@pytest.mark.parametrize("code", [0, "0", 2001, "2001"])
def test_a_code_is_compared_as_text(code: object):
    is_zero = str(code) == "0"
    result = parse_result(a_result(ResultCode=code), Product.B2C)
    assert (result.standing, result.reason) == (
        (Standing.PAID, None) if is_zero else (Standing.FAILED, Reason.INITIATOR)
    )


def test_the_product_decides_what_a_code_means():
    readings = {product: parse_result(a_result(ResultCode=17), product) for product in Product}
    assert readings[Product.BALANCE].reason is Reason.BUSY
    assert readings[Product.B2C].standing is Standing.UNKNOWN
    assert readings[Product.STK].reason is Reason.REPEAT


@pytest.mark.parametrize("product", MONEY)
@pytest.mark.parametrize("transaction_id", ["NLJ0000000", "UKM722NMVX", "0000000000", ""])
def test_a_failure_never_has_a_receipt(product: Product, transaction_id: str):
    result = parse_result(a_result(ResultCode=1, TransactionID=transaction_id), product)
    assert (result.standing, result.transaction_id, result.is_success) == (Standing.FAILED, None, False)


@pytest.mark.parametrize("product", MONEY)
def test_a_success_with_the_dummy_of_a_failure_is_unknown(product: Product):
    result = parse_result(a_result(TransactionID="NLJ0000000"), product)
    assert (result.standing, result.transaction_id) == (Standing.UNKNOWN, None)


@pytest.mark.parametrize("transaction_id", [None, "", "x", 7])
def test_a_success_without_a_readable_receipt_is_paid_and_odd(transaction_id: object):
    result = parse_result(a_result(TransactionID=transaction_id), Product.B2C)
    assert (result.standing, result.transaction_id, result.oddities) == (Standing.PAID, None, ("TransactionID",))


@pytest.mark.parametrize("product", [Product.STATUS, Product.BALANCE])
def test_the_answer_to_a_question_is_no_money_and_its_id_no_receipt(product: Product):
    result = parse_result(a_result(), product)
    assert (result.standing, result.transaction_id, result.is_success) == (Standing.DONE, None, True)


@pytest.mark.parametrize(
    "parameters",
    [
        {"ResultParameter": pairs(Amount=190)},
        {"ResultParameter": pairs(Amount=190)[0]},
        [{"ResultParameter": pairs(Amount=190)}],
        {"resultParameter": [{"key": "Amount", "value": 190}]},
        pairs(Amount=190),
        {"ResultParameter": [*pairs(Amount=190, Balance=None), None, 7, "x", {}, {"Value": 1}, {"Key": None}]},
    ],
)
def test_parameters_may_be_an_object_or_an_array(parameters: object):
    result = parse_result(a_result(ResultParameters=parameters), Product.B2B)
    assert dict(result.parameters) == {"Amount": "190"}


def test_a_key_with_two_values_has_none():
    result = parse_result(a_result([*pairs(Amount=10), *pairs(Amount=20)]), Product.B2B)
    assert (dict(result.parameters), result.oddities) == ({}, ("Amount",))


def test_people_stay_out_of_the_repr():
    result = parse_result(a_result(pairs(ReceiverPartyPublicName="254705912645 - JANE DOE")), Product.B2C)
    for shown in (repr(result), repr(b2c_details(result))):
        assert "705912645" not in shown
        assert "JANE" not in shown


B2C = pairs(
    TransactionAmount=10,
    TransactionReceipt="UKM41H4ML4",
    ReceiverPartyPublicName="254705912645 - FIRST MIDDLE LAST",
    TransactionCompletedDateTime="22.11.2026 16:21:09",
    B2CUtilityAccountAvailableFunds=4959.4,
    B2CWorkingAccountAvailableFunds="0.00",
    B2CChargesPaidAccountAvailableFunds=-1540.0,
    B2CRecipientIsRegisteredCustomer="Y",
)


def test_a_payment_to_a_person():
    details = b2c_details(parse_result(a_result(B2C), Product.B2C))
    assert (details.amount_cents, details.receipt) == (10_00, "UKM41H4ML4")
    assert (details.recipient.number, details.recipient.name) == ("254705912645", "FIRST MIDDLE LAST")
    assert details.completed_at
    assert details.completed_at.isoformat() == "2026-11-22T13:21:09+00:00"
    assert (details.utility_funds_cents, details.working_funds_cents) == (4959_40, 0)
    assert (details.charges_paid_cents, details.is_recipient_registered) == (-1540_00, True)


@pytest.mark.parametrize(("written", "registered"), [("N", False), ("n", False), ("maybe", None), (None, None)])
def test_whether_a_person_is_registered(written: object, registered: bool | None):
    result = parse_result(a_result(pairs(B2CRecipientIsRegisteredCustomer=written)), Product.B2C)
    assert b2c_details(result).is_recipient_registered is registered


def test_a_payment_to_a_business():
    struct = "{Amount={CurrencyCode=KES, MinimumAmount=618683, BasicAmount=6186.83}}"
    items = pairs(
        DebitAccountBalance=struct,
        Amount="190.00",
        DebitPartyAffectedAccountBalance="Working Account|KES|346568.83|6186.83|340382.00|0.00",
        TransCompletedTime="20261122110825",
        DebitPartyCharges=None,
        ReceiverPartyPublicName="000000 - Biller Company",
        Currency="KES",
    )
    reference = {"ReferenceItem": [{"Key": "BillReferenceNumber", "Value": 19008}, {"Key": "Occassion"}]}
    details = b2b_details(parse_result(a_result(items, ReferenceData=reference), Product.B2B))
    assert (details.amount_cents, details.debit_balance_cents, details.charges_cents) == (190_00, 6186_83, None)
    assert (details.recipient.name, details.bill_reference) == ("Biller Company", "19008")
    assert [(account.name, account.current_cents) for account in details.affected_balances] == [
        ("Working Account", 346568_83)
    ]
    assert details.completed_at
    assert details.completed_at.isoformat() == "2026-11-22T08:08:25+00:00"


@pytest.mark.parametrize(
    ("struct", "cents"),
    [
        ("{Amount={BasicAmount=6186.83, MinimumAmount=618683, CurrencyCode=KES}}", 6186_83),
        ("{Amount={CurrencyCode=KES, BasicAmount=-5.00}}", -5_00),
        ("{Amount={CurrencyCode=KES, MinimumAmount=618684, BasicAmount=6186.83}}", None),
        ("{Amount={CurrencyCode=KES, MinimumAmount=618683}}", None),
        ("6186.83", None),
    ],
)
def test_a_balance_in_a_struct_is_read_where_its_notations_agree(struct: str, cents: int | None):
    result = parse_result(a_result(pairs(InitiatorAccountCurrentBalance=struct)), Product.B2B)
    assert b2b_details(result).debit_balance_cents == cents


STATUS = pairs(
    DebitPartyName="254708374149 - JANE DOE",
    CreditPartyName="600310 - Safaricom333",
    OriginatorConversationID="1236-7134259-1",
    InitiatedTime=20261121112606,
    FinalisedTime="20261121112608",
    DebitPartyCharges="Fee For B2C Payment|KES|22.40",
    TransactionReason=None,
    ReasonType="Pay Bill Online",
    TransactionStatus="Completed",
    Amount=500,
    ReceiptNo="UKL31HA7WA",
)


def a_status(**changes: object) -> bytes:
    return a_result([item for item in STATUS if item["Key"] not in changes] + pairs(**changes))


def test_the_status_of_a_transaction():
    details = status_details(parse_result(a_status(), Product.STATUS))
    assert (details.transaction_status, details.amount_cents, details.receipt) == ("Completed", 500_00, "UKL31HA7WA")
    assert (details.debit_party.number, details.debit_party.name) == ("254708374149", "JANE DOE")
    assert (details.credit_party.number, details.credit_party.name) == ("600310", "Safaricom333")
    assert details.initiated_at
    assert details.finalised_at
    assert (details.finalised_at - details.initiated_at).total_seconds() == 2
    assert details.finalised_at.isoformat() == "2026-11-21T08:26:08+00:00"
    assert (details.originator_conversation_id, details.reason_type) == ("1236-7134259-1", "Pay Bill Online")
    assert details.charges_cents == 22_40


@pytest.mark.parametrize(
    ("changes", "is_proof"),
    [
        ({}, True),
        ({"TransactionStatus": "completed"}, True),
        ({"TransactionStatus": "Declined"}, False),
        ({"TransactionStatus": "Authorized"}, False),
        ({"TransactionStatus": None}, False),
        ({"ReceiptNo": "UKL31HA7WB"}, False),
        ({"ReceiptNo": None}, False),
        ({"Amount": 501}, False),
        ({"Amount": None}, False),
        ({"CreditPartyName": "600311 - Safaricom333"}, False),
        ({"CreditPartyName": None}, False),
    ],
)
def test_a_payment_is_proved_by_everything_together(changes: dict[str, Any], is_proof: bool):
    details = status_details(parse_result(a_status(**changes), Product.STATUS))
    assert details.proves("UKL31HA7WA", amount_cents=500_00, shortcode="600310") is is_proof


def test_a_question_that_was_refused_proves_nothing():
    result = parse_result(a_result(STATUS, ResultCode=2001), Product.STATUS)
    assert (result.standing, result.reason) == (Standing.NOT_DONE, Reason.INITIATOR)
    details = status_details(result)
    assert (details.amount_cents, details.receipt, details.is_completed) == (None, None, False)


def test_balances_of_a_shortcode():
    text = (
        "Working Account|KES|700000.00|690000.50|0.00|0.00&Utility Account|KES|228037.00|228037.00|0.00|0.008&"
        "Charges Paid Account|KES|-1540.00|-1540.00|0.00|0.00&Odd Account|KES|many&"
    )
    result = parse_result(a_result(pairs(AccountBalance=text, BOCompletedTime=20261122110500)), Product.BALANCE)
    assert [(row.name, row.currency, row.current_cents, row.available_cents) for row in balances(result)] == [
        ("Working Account", "KES", 700_000_00, 690_000_50),
        ("Utility Account", "KES", 228_037_00, 228_037_00),
        ("Charges Paid Account", "KES", -1540_00, -1540_00),
        ("Odd Account", "KES", None, None),
    ]
    assert balances(result)[3].text == "Odd Account|KES|many"


def test_a_refused_balance_is_a_single_object_and_no_balance():
    refused = a_result({"Key": "BOCompletedTime", "Value": 20200120164825}, ResultCode=2001)
    result = parse_result(refused, Product.BALANCE)
    assert (result.standing, result.reason) == (Standing.NOT_DONE, Reason.INITIATOR)
    assert dict(result.parameters) == {"BOCompletedTime": "20200120164825"}
    assert balances(result) == ()


def test_a_reversal():
    items = pairs(
        DebitAccountBalance="Utility Account|KES|7722179.62|7722179.62|0.00|0.00",
        Amount="1.00",
        TransCompletedTime=20261122145540,
        OriginalTransactionID="UKM61HA6VA",
        Charge=0,
        CreditPartyPublicName="254705912645 - JANE DOE",
        DebitPartyPublicName="600992 - Duka",
    )
    result = parse_result(a_result(items), Product.REVERSAL)
    details = reversal_details(result)
    assert result.transaction_id == "UKM41H4ML4"
    assert (details.original_receipt, details.amount_cents, details.charge_cents) == ("UKM61HA6VA", 1_00, 0)
    assert (details.credit_party.number, details.debit_party.number) == ("254705912645", "600992")
    assert details.debit_balances[0].available_cents == 7_722_179_62
    assert details.completed_at
    assert details.completed_at.isoformat() == "2026-11-22T11:55:40+00:00"


@pytest.mark.parametrize(("code", "reason"), [("R000001", Reason.ALREADY_REVERSED), ("R000002", Reason.NOT_FOUND)])
def test_a_reversal_fails_with_a_code_of_letters(code: str, reason: Reason):
    assert parse_result(a_result(ResultCode=code), Product.REVERSAL).reason is reason


def test_a_success_text_beside_a_failing_code_is_not_believed():
    result = parse_result(a_result(ResultCode=21), Product.REVERSAL)
    assert (result.standing, result.reason) == (Standing.FAILED, Reason.PERMISSION)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b'{"Result": 7}',
        b'{"Result": {}}',
        a_result(ResultCode=None),
        a_result(ResultCode=""),
        a_result(ResultCode=True),
        a_result(ResultCode="9" * 33),
        a_result(OriginatorConversationID="", ConversationID=None),
        a_result("x" * 70_000),
    ],
)
def test_what_is_no_result_is_malformed(raw: bytes):
    with pytest.raises(MalformedCallback):
        parse_result(raw, Product.B2C)


def test_an_envelope_in_a_list_or_without_its_wrapper_is_read():
    plain = parse_result(a_result(), Product.B2C)
    assert parse_result(b"[" + a_result() + b"]", Product.B2C) == plain
    assert parse_result(json.dumps(ENVELOPE).encode(), Product.B2C) == plain


def test_a_timeout_names_the_request_where_it_can():
    timeout = parse_timeout(a_result(ResultCode=1, ResultDesc="Queue timeout"))
    assert timeout == QueueTimeout("pay-7f3c", ENVELOPE["ConversationID"], "1", "Queue timeout")
    assert parse_timeout(b"<html>") == QueueTimeout()


@given(st.one_of(st.binary(max_size=500), any_json(NAMES).map(lambda value: json.dumps(value).encode())))
def test_any_bytes_are_a_timeout(raw: bytes):
    assert isinstance(parse_timeout(raw).conversation_id, str)


READERS = [b2c_details, b2b_details, reversal_details, status_details, balances]
KEYS = [item["Key"] for item in [*B2C, *STATUS]] + ["AccountBalance", "OriginalTransactionID", "Charge"]


@given(
    product=st.sampled_from(Product),
    envelope=st.dictionaries(st.sampled_from([*ENVELOPE, "ResultParameters", "ReferenceData"]), VALUES),
    items=st.lists(st.fixed_dictionaries({"Key": st.sampled_from(KEYS)}, optional={"Value": VALUES}), max_size=6),
)
def test_any_result_holds_only_what_stands_in_it(product: Product, envelope: dict[str, Any], items: list[object]):
    raw = a_result(items, **envelope)
    try:
        result = parse_result(raw, product)
    except MalformedCallback:
        return
    written = texts_in(json.loads(raw))
    assert result.is_success == (result.result_code == "0" and result.standing is not Standing.UNKNOWN)
    receipts = [result.transaction_id, b2c_details(result).receipt, status_details(result).receipt]
    assert all(receipt is None or (is_receipt(receipt) and receipt in written) for receipt in receipts)
    numbers = {Decimal(text) * 100 for text in written if text.replace(".", "", 1).isdecimal()}
    amounts = [b2c_details(result).amount_cents, status_details(result).amount_cents]
    assert all(cents is None or cents in numbers for cents in amounts)
    assert all(reader(result) == reader(result) for reader in READERS)


@given(any_json(NAMES), st.sampled_from(Product))
def test_any_json_is_a_result_or_malformed(value: object, product: Product):
    try:
        result = parse_result(json.dumps(value).encode(), product)
    except MalformedCallback:
        return
    assert result.result_code
