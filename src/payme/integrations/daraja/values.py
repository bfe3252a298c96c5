"""Safaricom's ways of writing amounts, instants and receipts, read without a float and without a guess.

Each reader takes text and returns None for what it cannot read exactly; nothing raises.
Source: Daraja portal; values seen on the wire (1.00, "5.00", 10, stamps as numbers, dd.MM.yyyy in results).
"""

import re
from datetime import UTC, datetime
from decimal import Decimal

from payme.integrations.daraja.receipts import is_receipt
from payme.kit.money import CENTS_PER_SHILLING
from payme.kit.time import NAIROBI

MOST_SHILLINGS = Decimal(100_000_000)
_AMOUNT = re.compile(r"\d+(\.\d+)?([eE][+-]?\d{1,4})?", re.ASCII)
_STAMP = re.compile(r"(\d{14})(?:\.0+)?", re.ASCII)
_FIRST_YEAR = 2007
_INSTANT_FORMS = ("%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


def cents_of(text: str) -> int | None:
    """Return a decimal text of shillings as cents, or None where it is negative, endless, or finer than a cent."""
    if _AMOUNT.fullmatch(text) is None:
        return None
    shillings = Decimal(text)
    if shillings > MOST_SHILLINGS:
        return None
    cents = shillings * CENTS_PER_SHILLING
    return int(cents) if cents == cents.to_integral_value() else None


def positive_cents_of(text: str) -> int | None:
    """Return a decimal text of shillings as cents, or None where nothing or less than nothing was paid."""
    return cents_of(text) or None


def signed_cents_of(text: str) -> int | None:
    """Return a balance in shillings, which may be below zero, as cents; None as for `cents_of`."""
    cents = cents_of(text.removeprefix("-"))
    return -cents if cents is not None and text.startswith("-") else cents


def instant_of(text: str) -> datetime | None:
    """Return a stamp of 14 digits, which is Nairobi time, as an aware UTC instant; None where it is no such stamp."""
    match = _STAMP.fullmatch(text)
    return _in_nairobi(match[1], "%Y%m%d%H%M%S") if match else None


def written_instant_of(text: str) -> datetime | None:
    """Return an instant in any of the forms that results use, 14 digits or `dd.MM.yyyy HH:mm:ss`, as aware UTC."""
    readings = (_in_nairobi(text, form) for form in _INSTANT_FORMS if text.isascii())
    return instant_of(text) or next((reading for reading in readings if reading), None)


def receipt_of(text: str) -> str | None:
    """Return a receipt of money that moved, or None for the dummy of a failure and for everything else."""
    return text if is_receipt(text) else None


def _in_nairobi(text: str, form: str) -> datetime | None:
    try:
        local = datetime.strptime(text, form).replace(tzinfo=NAIROBI)
    except ValueError:
        return None
    return local.astimezone(UTC) if local.year >= _FIRST_YEAR else None
