"""What the document says of a value and what the door takes are one and the same."""

import re
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from payme.kit.ids import ClientId, new_id
from payme.kit.quantity import PositiveQuantity, Quantity, QuantityChange, QuantityFromZero
from payme.kit.time import QueryDay, QueryInstant, TimeOfDay

QUANTITIES = ("0", "-0", "0.000", "1", "-1", "0.001", "-0.001", "99999999", "-99999999", "00000012.500")
NO_QUANTITIES = ("", " ", "+1", "1.", ".5", "0.0001", "100000000", "1e3", "NaN", "Infinity", "1,5", "0x1", "\u0661")
ARABIC_ONE = "\u0661"
LAX = {"+1", "1.", ".5", "1e3", "-0", ARABIC_ONE}
"""Taken by some, although the document does not promise it."""


def takes(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return False
    return True


def promised(kind: Any, text: str) -> bool:
    schema = TypeAdapter(kind).json_schema()
    patterns = [each["pattern"] for each in schema.get("anyOf", [schema]) if "pattern" in each]
    return any(re.search(pattern, text) for pattern in patterns)


@pytest.mark.parametrize("kind", [Quantity, PositiveQuantity, QuantityFromZero, QuantityChange])
@pytest.mark.parametrize("text", [*QUANTITIES, *NO_QUANTITIES])
def test_a_quantity_is_taken_when_the_document_promises_it(kind: Any, text: str):
    if text not in LAX:
        assert takes(kind, text) == promised(kind, text)
    assert not promised(kind, text) or takes(kind, text)


def test_the_signs_of_quantities():
    taken = {
        name: [text for text in ("-1", "0", "1") if takes(kind, text)]
        for name, kind in {
            "any": Quantity,
            "more": PositiveQuantity,
            "none": QuantityFromZero,
            "change": QuantityChange,
        }.items()
    }
    assert taken == {"any": ["-1", "0", "1"], "more": ["1"], "none": ["0", "1"], "change": ["-1", "1"]}


def test_a_client_makes_ids_of_version_7():
    ours = str(new_id())
    for text in (ours, "e504b553-069c-1247-8243-6708ca4e3064", "01936f0e-7c2a-7b4e-1d53-7f5d2a1c0b11"):
        assert takes(ClientId, text) == promised(ClientId, text) == (text == ours)


@pytest.mark.parametrize("text", ["0", "1700000000", "-7.1e-211", "12.5", "1e9", "", "now"])
def test_a_number_is_no_instant_and_no_day(text: str):
    assert not takes(QueryInstant, text)
    assert not takes(QueryDay, text)


def test_instants_and_days_are_written_out():
    assert (
        TypeAdapter(QueryInstant).validate_python("2026-11-22T09:30:00+03:00").isoformat()
        == "2026-11-22T06:30:00+00:00"
    )
    assert TypeAdapter(QueryDay).validate_python("2026-11-22") == date(2026, 11, 22)
    assert not takes(QueryInstant, "2026-11-22T09:30:00")


def test_a_day_begins_on_a_whole_minute_in_nairobi():
    assert TypeAdapter(TimeOfDay).validate_json('"04:30"', strict=True) == time(4, 30)
    for text in ("04:30", "04:30:00", "04:30:01", "04:30Z", "24:00", "04:30:00.5", "4"):
        assert takes(TimeOfDay, text) == promised(TimeOfDay, text) == (text in {"04:30", "04:30:00"}), text


def test_a_quantity_of_a_float_is_what_was_written():
    assert TypeAdapter(Quantity).validate_json("1234.567", strict=True) == Decimal("1234.567")
