"""The callback of a standing order: names in both cases, codes of its own, noise."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.integrations.daraja import MalformedCallback, Reason, Standing, StandingOrderResult, parse_standing_order
from tests.unit.daraja.json_values import any_json, texts_in

HEADER = {
    "responseRefID": "0acc0239-20fa",
    "requestRefID": "0acc0239-20fa",
    "responseCode": "0",
    "responseDescription": "The service request is processed successfully",
}
DATA = {"TransactionID": "SC8F2IQMH5", "responseCode": "0", "Status": "OKAY", "Msisdn": "254******867"}
NAMES = ["responseHeader", "ResponseBody", "responseData", "Name", "value", "responseCode", "responseRefID"]


def allowed(header: dict[str, Any] | None = None, **data: Any) -> bytes:
    items = [{"name": name, "value": value} for name, value in (DATA | data).items()]
    message = {"responseHeader": HEADER | (header or {}), "responseBody": {"responseData": items}}
    return json.dumps(message).encode()


def refused(code: object, **data: Any) -> bytes:
    items = [{"Name": name, "Value": value} for name, value in ({"TransactionID": "0000000000"} | data).items()]
    header = HEADER | {"responseCode": code, "responseDescription": "no"}
    return json.dumps({"ResponseHeader": header, "ResponseBody": {"ResponseData": items}}).encode()


def test_an_order_that_the_customer_allowed():
    assert parse_standing_order(allowed()) == StandingOrderResult(
        standing=Standing.DONE,
        reason=None,
        result_code="0",
        result_text="The service request is processed successfully",
        reference="0acc0239-20fa",
        transaction_id="SC8F2IQMH5",
        msisdn="254******867",
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [("1032", Reason.CANCELLED), (1037, Reason.UNREACHABLE), ("1050", Reason.DUPLICATE), ("2001", Reason.PIN)],
)
def test_an_order_that_does_not_stand(code: object, reason: Reason):
    for transaction_id in ("0000000000", "SC8F2IQMH5"):
        result = parse_standing_order(refused(code, TransactionID=transaction_id))
        assert (result.standing, result.reason, result.transaction_id) == (Standing.NOT_DONE, reason, None)


def test_a_code_that_is_not_listed_is_unknown():
    assert parse_standing_order(refused("1051")).standing is Standing.UNKNOWN


def test_the_code_may_stand_in_either_place_but_not_as_two():
    assert parse_standing_order(allowed({"responseCode": None})).standing is Standing.DONE
    assert parse_standing_order(refused("1032", responseCode="1032")).reason is Reason.CANCELLED
    with pytest.raises(MalformedCallback):
        parse_standing_order(allowed(responseCode="1032"))


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"{}", refused(None), refused(""), refused("9" * 33), allowed({"responseRefID": None})],
)
def test_what_is_no_standing_order_is_malformed(raw: bytes):
    with pytest.raises(MalformedCallback):
        parse_standing_order(raw)


def test_the_phone_stays_out_of_the_repr():
    assert "867" not in repr(parse_standing_order(allowed()))


@given(st.one_of(st.binary(max_size=500), any_json(NAMES).map(lambda value: json.dumps(value).encode())))
def test_any_bytes_are_a_standing_order_or_malformed(raw: bytes):
    try:
        result = parse_standing_order(raw)
    except MalformedCallback:
        return
    assert result.reference in texts_in(json.loads(raw))
