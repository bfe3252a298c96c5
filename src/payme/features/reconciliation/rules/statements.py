"""What a row of a statement is about, and what of it may be kept. No database, no clock.

Source: statements downloaded from the M-Pesa organisation portal; their reasons are words, not codes.
"""

import re
from typing import Final

from payme.features.reconciliation.enums import RowKind

_COMPLETED: Final = "completed"
_FEE: Final = ("charge", "fee", "tariff")
_PAID_BY_CUSTOMER: Final = ("pay bill", "paybill", "merchant payment", "buy goods", "customer payment", "pay merchant")
_PAID_TO_PERSON: Final = ("business payment", "to customer", "salary", "promotion payment", "pochi")
_PHONE: Final = re.compile(r"(?<![0-9])(?:\+?254|0)?([17][0-9]{8})(?![0-9])", re.ASCII)
_OF_PERSON: Final = re.compile(r"\+?(?:254|0)[17*]", re.ASCII)


def is_completed(status: str) -> bool:
    """Say whether a row moved money; a file without the column shows only such rows."""
    return status.strip().lower() in {"", _COMPLETED}


def kind_of(words: str, party_number: str, *, is_paid_in: bool) -> RowKind:
    """Return what a row is about, by its reason, or its details where there is none, and by who is on the other side."""
    text = words.lower()
    if not is_paid_in and any(word in text for word in _FEE):
        return RowKind.FEE
    if "revers" in text:
        return RowKind.REVERSAL
    is_of_person = bool(_OF_PERSON.match(party_number))
    if is_paid_in:
        return RowKind.PAYMENT if is_of_person or any(word in text for word in _PAID_BY_CUSTOMER) else RowKind.TRANSFER
    return RowKind.PAYOUT if is_of_person or any(word in text for word in _PAID_TO_PERSON) else RowKind.TRANSFER


def hidden(text: str) -> str:
    """Return a text with the phone numbers in it masked as Safaricom masks them."""
    return _PHONE.sub(lambda match: f"254{match[1][0]} ***** {match[1][-3:]}", text)
