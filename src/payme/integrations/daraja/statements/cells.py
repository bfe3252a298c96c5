"""The cells of a statement: what spreadsheets do to amounts, times and texts, undone without a guess.

Source: statements downloaded from the M-Pesa organisation portal, and what spreadsheets make of them.
"""

import re
from datetime import UTC, datetime

from payme.integrations.daraja.values import signed_cents_of
from payme.kit.time import NAIROBI

_FIRST_YEAR = 2007
_AMOUNT = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]{1,2})?", re.ASCII)
_CURRENCY = re.compile(r"^(?:ksh|kes)\.?\s*", re.ASCII | re.IGNORECASE)
_SPREADSHEET_TEXT = re.compile(r'="?(.*?)"?', re.DOTALL)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_TIME_FORMS = tuple(
    f"{day} {clock}"
    for day in ("%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y", "%Y/%m/%d", "%d.%m.%Y")
    for clock in ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
)


def plain(cell: str) -> str:
    """Return a cell without control characters, outer spaces, and the signs by which spreadsheets mark a text."""
    text = " ".join(_UNSAFE.sub(" ", cell).split())
    marked = _SPREADSHEET_TEXT.fullmatch(text)
    return (marked[1] if marked else text.removeprefix("'")).strip()


def statement_cents(text: str) -> int | None:
    """Return an amount in shillings as cents, with its sign; None where it is empty or not written as one."""
    written = _CURRENCY.sub("", text)
    return signed_cents_of(written.replace(",", "")) if _AMOUNT.fullmatch(written) else None


def statement_instant(text: str) -> datetime | None:
    """Return a Nairobi time, day before month, as an aware UTC instant; None where it is none."""
    for form in _TIME_FORMS:
        try:
            local = datetime.strptime(text.replace("T", " "), form).replace(tzinfo=NAIROBI)
        except ValueError:
            continue
        return local.astimezone(UTC) if local.year >= _FIRST_YEAR else None
    return None
