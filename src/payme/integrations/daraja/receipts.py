"""M-Pesa receipts: their form, the date hidden in them, and the dummy ids that failures carry.

The date letters are undocumented: use them to warn, give a day either way, never to refuse a payment.
"""

import re
from datetime import date

_FORM = re.compile(r"[A-Z0-9]{10}", re.ASCII)
_DUMMY = re.compile(r"0{7}$")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DAYS = "123456789ABCDEFGHIJKLMNOPQRSTUV"
_FIRST_YEAR = 2006


def is_receipt(text: str) -> bool:
    """Say whether a text has the form of a receipt of money that moved: ten capitals and digits, not ending in 0000000."""
    return _FORM.fullmatch(text) is not None and not is_dummy_receipt(text)


def is_dummy_receipt(text: str) -> bool:
    """Say whether a text is the id of a transaction that never happened, such as OAK0000000."""
    return _FORM.fullmatch(text) is not None and _DUMMY.search(text) is not None


def receipt_date(receipt: str) -> date | None:
    """Return the Nairobi day that a receipt's first three characters spell, or None where they spell none.

    Year A = 2006, month A to L, day 1 to 9 then A to V. Dummy ids carry a date too.
    Source: M-Pesa receipts of known dates.
    """
    if _FORM.fullmatch(receipt) is None:
        return None
    year, month, day = _LETTERS.find(receipt[0]), _LETTERS.find(receipt[1]), _DAYS.find(receipt[2])
    if min(year, month, day) < 0:
        return None
    try:
        return date(_FIRST_YEAR + year, month + 1, day + 1)
    except ValueError:
        return None
