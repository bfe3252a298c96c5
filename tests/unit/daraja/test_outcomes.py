"""What answers come to: a push accepted, refused, unsent or unknown; a query paid, failed, pending or unknown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.integrations.daraja import (
    DarajaRefused,
    DarajaUnavailable,
    DarajaUnknown,
    QueryNote,
    Reason,
    Standing,
    StkAccepted,
)
from payme.integrations.daraja.answers import Answer, Verdict, read_answer
from payme.integrations.daraja.outcomes import judge_push, judge_query

CHECKOUT = "ws_CO_1007202409152617172396192"
ACCEPTED = {
    "MerchantRequestID": "2654-4b64-97ff-b827b542881d3130",
    "CheckoutRequestID": CHECKOUT,
    "ResponseCode": "0",
    "ResponseDescription": "Success. Request accepted for processing",
    "CustomerMessage": "Success. Request accepted for processing",
}
SPIKE_ARREST = {
    "fault": {
        "faultstring": "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5}",
        "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"},
    }
}
INCAPSULA = b"<html><body>Request unsuccessful. Incapsula incident ID: 1-2</body></html>"


def an_answer(status: int, body: object) -> Answer:
    return read_answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())


def an_error(code: str, text: str | None = "") -> dict[str, object]:
    return {"requestId": "16813-15-1", "errorCode": code, "errorMessage": text}


@pytest.mark.parametrize("status", [200, 201, 500])
@pytest.mark.parametrize(
    "changes", [{}, {"ResponseCode": 0}, {"CustomerMessage": None}, {"MerchantRequestID": "29115-34620561-1"}]
)
def test_a_push_is_accepted_by_its_response_code_and_id(status: int, changes: dict[str, object]):
    accepted = judge_push(an_answer(status, ACCEPTED | changes))
    assert isinstance(accepted, StkAccepted)
    assert accepted.checkout_request_id == CHECKOUT
    assert "2396192" not in repr(accepted)


@pytest.mark.parametrize(
    ("status", "code", "text", "reason"),
    [
        (400, "400.002.02", "Bad Request - Invalid Remarks", Reason.CONFIG),
        (400, "400.002.02", "Bad Request - Invalid PhoneNumber", Reason.CUSTOMER),
        (400, "400.002.02", "Bad Request - Invalid PartyA", Reason.CUSTOMER),
        (400, "400.002.02", "Bad Request - Invalid CallBackURL", Reason.CONFIG),
        (200, "400.002.02", "Bad Request - Invalid Amount", Reason.CONFIG),
        (400, "400.002.05", "Invalid Request Payload", Reason.CONFIG),
        (400, "400.003.02", "Bad Request", Reason.CONFIG),
        (400, "400.008.01", "Invalid Authentication passed", Reason.CONFIG),
        (400, "400.008.02", "Invalid grant type passed", Reason.CONFIG),
        (401, "401.003.01", "Error Occurred", Reason.CONFIG),
        (403, "403.002.1001", "Not allowed", Reason.CONFIG),
        (404, "404.001.01", "Resource not found", Reason.CONFIG),
        (404, "404.002.01", "Resource not found", Reason.CONFIG),
        (404, "404.003.01", "Resource not found", Reason.CONFIG),
        (404, "404.001.04", "Invalid Authentication Header", Reason.CONFIG),
        (405, "405.001", "Method Not Allowed", Reason.CONFIG),
        (500, "500.001.1001", "Merchant does not exist", Reason.CONFIG),
        (500, "500.001.1001", "Wrong credentials", Reason.CONFIG),
        (500, "500.001.1001", "[MerchantValidate] - Wrong credentials", Reason.CONFIG),
        (
            500,
            "500.001.1001",
            "Unable to lock subscriber, a transaction is already in process for the current subscriber",
            Reason.LOCK,
        ),
    ],
)
def test_a_push_is_refused_by_a_listed_code(status: int, code: str, text: str, reason: Reason):
    with pytest.raises(DarajaRefused) as refusal:
        judge_push(an_answer(status, an_error(code, text)))
    assert refusal.value.code == "daraja.request_refused"
    assert (refusal.value.reason, refusal.value.error_code, refusal.value.text) == (reason, code, text)


@pytest.mark.parametrize("code", ["404.001.03", "400.003.01", "401.002.01", "401.001", "999.9"])
def test_a_push_whose_second_token_is_rejected_too_is_refused(code: str):
    with pytest.raises(DarajaRefused) as refusal:
        judge_push(an_answer(404, an_error(code, "Invalid Access Token")))
    assert (refusal.value.code, refusal.value.reason) == ("daraja.token_refused", Reason.CONFIG)


def test_a_product_that_is_not_on_the_app_is_a_fault_of_the_set_up():
    fault = {"faultstring": "Invalid API call as no apiproduct match found", "detail": {"errorcode": "keymanagement.x"}}
    with pytest.raises(DarajaRefused) as refusal:
        judge_push(an_answer(401, {"fault": fault}))
    assert refusal.value.reason is Reason.CONFIG


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, SPIKE_ARREST),
        (200, SPIKE_ARREST),
        (429, b""),
        (429, {}),
        (429, {"message": "slow down"}),
        (500, an_error("500.003.02", "System is busy. Please try again in few minutes.")),
        (500, an_error("500.003.02", "Error Occurred: Spike Arrest Violation")),
        (500, an_error("500.003.03", "Error Occurred: Quota Violation")),
        (503, an_error("00.002.1001", "Service is under maintenance")),
    ],
)
def test_a_push_that_the_gateway_shed_was_not_sent(status: int, body: object):
    with pytest.raises(DarajaUnavailable) as fault:
        judge_push(an_answer(status, body))
    assert fault.value.retry_after_seconds


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, an_error("500.001.1001", "")),
        (500, an_error("500.001.1001", None)),
        (500, an_error("500.001.1001", "Internal error")),
        (500, an_error("500.001.1001", "The transaction is being processed")),
        (500, an_error("500.003.1001", "Internal Server Error")),
        (500, an_error("500.003.1001", "Wrong credentials")),
        (400, an_error("400.999.99", "Something new")),
        (400, an_error("", "Bad Request")),
        (200, INCAPSULA),
        (403, INCAPSULA),
        (503, INCAPSULA),
        (429, INCAPSULA),
        (
            504,
            {
                "fault": {
                    "faultstring": "Gateway Timeout",
                    "detail": {"errorcode": "messaging.adaptors.http.flow.GatewayTimeout"},
                }
            },
        ),
        (200, b""),
        (400, b""),
        (500, b""),
        (200, b"[]"),
        (200, b"null"),
        (200, b"{"),
        (200, {}),
        (200, {"ResponseCode": "0"}),
        (200, ACCEPTED | {"CheckoutRequestID": ""}),
        (200, ACCEPTED | {"CheckoutRequestID": "x" * 129}),
        (200, ACCEPTED | {"ResponseCode": "1"}),
        (200, ACCEPTED | {"ResponseCode": False}),
        (200, ACCEPTED | {"ResponseCode": "00"}),
        (200, ACCEPTED | an_error("400.002.02", "Bad Request - Invalid Amount")),
        (404, ACCEPTED | an_error("404.001.03", "Invalid Access Token")),
        (200, {"Body": ACCEPTED}),
    ],
)
def test_every_other_answer_to_a_push_is_unknown(status: int, body: object):
    with pytest.raises(DarajaUnknown):
        judge_push(an_answer(status, body))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, an_error("404.001.03", "Invalid Access Token")),
        (400, an_error("400.003.01", "Invalid Access Token")),
        (401, an_error("401.002.01", "Error Occurred - Invalid Access Token - x")),
        (401, an_error("401.001", "Unauthorized")),
        (401, {"errorCode": 401.001, "errorMessage": ""}),
        (500, an_error("555.0", "invalid access token")),
        (
            401,
            {"fault": {"faultstring": "Invalid access token", "detail": {"errorcode": "oauth.v2.InvalidAccessToken"}}},
        ),
        (401, {"fault": {"faultstring": "x", "detail": {"errorcode": "keymanagement.service.access_token_expired"}}}),
    ],
)
def test_a_rejected_token_is_known_by_content(status: int, body: object):
    assert an_answer(status, body).verdict is Verdict.TOKEN_REJECTED


def a_result(code: object, **changes: object) -> dict[str, object]:
    return {
        "ResponseCode": "0",
        "ResponseDescription": "The service request has been accepted successsfully",
        "MerchantRequestID": "2654-4b64-97ff-b827b542881d3130",
        "CheckoutRequestID": CHECKOUT,
        "ResultCode": code,
        "ResultDesc": "text",
    } | changes


@pytest.mark.parametrize(
    ("status", "body", "standing", "note", "reason"),
    [
        (200, a_result("0"), Standing.PAID, QueryNote.RESULT, None),
        (200, a_result(0), Standing.PAID, QueryNote.RESULT, None),
        (200, a_result("1032"), Standing.FAILED, QueryNote.RESULT, Reason.CANCELLED),
        (200, a_result("1037"), Standing.FAILED, QueryNote.RESULT, Reason.UNREACHABLE),
        (200, a_result("1"), Standing.FAILED, QueryNote.RESULT, Reason.FUNDS),
        (200, a_result("2001"), Standing.FAILED, QueryNote.RESULT, Reason.PIN),
        (200, a_result("E3008"), Standing.FAILED, QueryNote.RESULT, Reason.BAD_DEBT),
        (200, a_result("4999"), Standing.PENDING, QueryNote.STILL_PROCESSING, None),
        (200, a_result("4999", ResultDesc="Wrong credentials"), Standing.PENDING, QueryNote.STILL_PROCESSING, None),
        (200, a_result("77"), Standing.UNKNOWN, QueryNote.RESULT, None),
        (200, a_result("00"), Standing.UNKNOWN, QueryNote.RESULT, None),
        (200, a_result(False), Standing.UNKNOWN, QueryNote.NO_ANSWER, None),
        (200, a_result("0", ResponseCode="1"), Standing.UNKNOWN, QueryNote.NO_ANSWER, None),
        (200, a_result("0", CheckoutRequestID="ws_CO_other"), Standing.UNKNOWN, QueryNote.CONTRADICTION, None),
        (200, a_result("0", errorCode="500.001.1001"), Standing.UNKNOWN, QueryNote.NO_ANSWER, None),
        (
            500,
            an_error("500.001.1001", "The transaction is being processed"),
            Standing.PENDING,
            QueryNote.STILL_PROCESSING,
            None,
        ),
        (500, an_error("500.001.1001", ""), Standing.UNKNOWN, QueryNote.NO_ANSWER, None),
        (200, an_error("500.001.1001", None), Standing.UNKNOWN, QueryNote.NO_ANSWER, None),
        (
            500,
            an_error("500.001.1001", "The transaction does not Exist"),
            Standing.UNKNOWN,
            QueryNote.NO_SUCH_TRANSACTION,
            None,
        ),
        (500, an_error("500.001.1001", "Wrong credentials"), Standing.UNKNOWN, QueryNote.REFUSED, None),
        (
            400,
            an_error("400.002.02", "Bad Request - Invalid CheckoutRequestID"),
            Standing.UNKNOWN,
            QueryNote.TOO_EARLY_OR_WRONG_ID,
            None,
        ),
        (400, an_error("400.002.02", "Bad Request - Invalid Timestamp"), Standing.UNKNOWN, QueryNote.REFUSED, None),
        (404, an_error("404.001.03", "Invalid Access Token"), Standing.UNKNOWN, QueryNote.TOKEN_REFUSED, None),
        (429, SPIKE_ARREST, Standing.UNKNOWN, QueryNote.THROTTLED, None),
        (500, an_error("500.003.02", "System is busy"), Standing.UNKNOWN, QueryNote.THROTTLED, None),
        (200, INCAPSULA, Standing.UNKNOWN, QueryNote.UNREADABLE, None),
        (503, INCAPSULA, Standing.UNKNOWN, QueryNote.UNREADABLE, None),
        (500, b"", Standing.UNKNOWN, QueryNote.NO_ANSWER, None),
        (200, {}, Standing.UNKNOWN, QueryNote.NO_ANSWER, None),
    ],
)
def test_a_query_says_what_its_row_says(
    status: int, body: object, standing: Standing, note: QueryNote, reason: Reason | None
):
    result = judge_query(an_answer(status, body), CHECKOUT)
    assert (result.standing, result.note, result.reason) == (standing, note, reason)
    assert (result.retry_after_seconds is not None) == (note is QueryNote.THROTTLED)


FIELDS = ["errorCode", "errorMessage", "ResponseCode", "ResultCode", "CheckoutRequestID", "fault", "ResultDesc"]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["0", "00", "1032", "500.001.1001", "400.002.02", CHECKOUT, "Wrong credentials"]),
    st.just({"faultstring": "Spike arrest violation"}),
)
ANSWERS = st.one_of(
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(FIELDS), VALUES).map(lambda value: json.dumps(value).encode()),
)


@given(st.integers(100, 599), ANSWERS)
def test_a_query_never_says_paid_or_failed_without_a_listed_code(status: int, body: bytes):
    answer = read_answer(status, body)
    result = judge_query(answer, CHECKOUT)
    if result.standing in {Standing.PAID, Standing.FAILED}:
        assert answer.is_accepted
        assert not answer.error_code
    if result.standing is Standing.PAID:
        assert str(json.loads(body)["ResultCode"]) == "0"


@given(st.integers(100, 599), ANSWERS)
def test_a_push_has_four_endings_and_no_fifth(status: int, body: bytes):
    answer = read_answer(status, body)
    try:
        accepted = judge_push(answer)
    except DarajaRefused:
        assert answer.payload is not None
    except (DarajaUnavailable, DarajaUnknown):
        return
    else:
        assert str(json.loads(body)["ResponseCode"]) == "0"
        assert accepted.checkout_request_id


def test_a_long_number_in_safaricoms_words_is_blotted_out():
    with pytest.raises(DarajaRefused) as refusal:
        judge_push(an_answer(400, an_error("400.002.02", "Bad Request - Invalid PhoneNumber 254708374149")))
    assert refusal.value.text == "Bad Request - Invalid PhoneNumber #"
