"""Quantities: decimals with at most three places, on the wire as strings, in the database as NUMERIC(14,3)."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainSerializer, WithJsonSchema

PLACES = Decimal("0.001")
LARGEST = Decimal(99_999_999)


def _fits(value: Decimal) -> Decimal:
    if not value.is_finite():
        message = "must be a finite number"
        raise ValueError(message)
    # Plain abs() would round to the context, and overflow on an exponent of nine digits.
    if value.copy_abs() > LARGEST:
        message = "must be between -99999999 and 99999999"
        raise ValueError(message)
    if value != value.quantize(PLACES):
        message = "must have at most three decimals"
        raise ValueError(message)
    return value.quantize(PLACES)


def _not_zero(value: Decimal) -> Decimal:
    if not value:
        message = "must not be zero"
        raise ValueError(message)
    return value


def in_thousandths(value: Decimal) -> int:
    """Return a quantity as an integer count of thousandths, the weight that `allocate` takes."""
    return int(value.scaleb(3))


def as_text(value: Decimal) -> str:
    """Return the shortest plain text of a quantity: 2, 0.5, 1.125."""
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _json_schema(sign: str, smallest: Decimal, *, but_zero: bool) -> dict[str, Any]:
    """Return what a client may send: text, or a number that has no more than three places."""
    zero = r"(?!-?0+(\.0+)?$)" if but_zero else ""
    number: dict[str, Any] = {"type": "number", "maximum": int(LARGEST)}
    number["multipleOf"] = 0.001  # house: allow float-money a document about JSON, which has no other fractions
    number["minimum"] = float(smallest)  # house: allow float-money the same
    if but_zero:
        number["not"] = {"const": 0}
    text = {"type": "string", "pattern": rf"^{zero}{sign}[0-9]{{1,8}}(\.[0-9]{{1,3}})?$"}
    return {"anyOf": [text, number], "description": "A decimal string with at most three places.", "examples": ["2"]}


Quantity = Annotated[
    Decimal,
    AfterValidator(_fits),
    PlainSerializer(as_text, return_type=str, when_used="json"),
    WithJsonSchema(_json_schema("-?", -LARGEST, but_zero=False), mode="validation"),
]
PositiveQuantity = Annotated[
    Quantity, Field(gt=0), WithJsonSchema(_json_schema("", PLACES, but_zero=True), mode="validation")
]
QuantityFromZero = Annotated[
    Quantity, Field(ge=0), WithJsonSchema(_json_schema("", Decimal(0), but_zero=False), mode="validation")
]
QuantityChange = Annotated[
    Quantity, AfterValidator(_not_zero), WithJsonSchema(_json_schema("-?", -LARGEST, but_zero=True), mode="validation")
]
"""Up or down, and never nothing."""
