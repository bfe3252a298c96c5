"""Quantities: decimals with at most three places, on the wire as strings, in the database as NUMERIC(14,3)."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field, PlainSerializer

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


def in_thousandths(value: Decimal) -> int:
    """Return a quantity as an integer count of thousandths, the weight that `allocate` takes."""
    return int(value.scaleb(3))


def as_text(value: Decimal) -> str:
    """Return the shortest plain text of a quantity: 2, 0.5, 1.125."""
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


Quantity = Annotated[
    Decimal,
    AfterValidator(_fits),
    PlainSerializer(as_text, return_type=str, when_used="json"),
    Field(examples=["2"], json_schema_extra={"description": "A decimal string with at most three places."}),
]
PositiveQuantity = Annotated[Quantity, Field(gt=0)]
