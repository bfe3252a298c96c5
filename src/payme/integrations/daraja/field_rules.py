"""The rules that many requests share, checked before anything leaves the machine. Each raises InvalidRequest by name.

Source: Daraja portal, request parameters; limits of M-Pesa since September 2023.
"""

import re

from payme.integrations.daraja.credentials import is_shortcode
from payme.integrations.daraja.errors import InvalidRequest, WholeShillingsOnly
from payme.kit.money import CENTS_PER_SHILLING, is_whole_shillings
from payme.kit.phone import normalise_msisdn

LARGEST_SHILLINGS = 250_000
SHORTEST_REMARKS, LONGEST_REMARKS = 2, 100
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]+")


def require_shillings(amount_cents: int, *, smallest: int = 1, largest: int = LARGEST_SHILLINGS) -> int:
    """Return an amount as it travels, in whole shillings between two bounds.

    Raises: WholeShillingsOnly, InvalidRequest.
    """
    if not is_whole_shillings(amount_cents):
        raise WholeShillingsOnly(amount_cents=amount_cents)
    shillings = amount_cents // CENTS_PER_SHILLING
    if not smallest <= shillings <= largest:
        raise InvalidRequest(field="amount_cents", rule=f"KES {smallest:,} to {largest:,}", amount_cents=amount_cents)
    return shillings


def require_msisdn(text: str, *, field: str = "msisdn") -> str:
    """Return a Kenyan mobile number as Safaricom writes it: 254 and nine digits.

    Raises: InvalidRequest.
    """
    msisdn = normalise_msisdn(text)
    if msisdn is None:
        raise InvalidRequest(field=field, rule="a Kenyan mobile number")
    return msisdn


def require_shortcode(text: str, *, field: str = "shortcode") -> None:
    """Accept a paybill, a store or a till number, or raise.

    Raises: InvalidRequest.
    """
    if not is_shortcode(text):
        raise InvalidRequest(field=field, rule="5 to 7 digits")


def require_text(text: str, *, field: str, shortest: int, longest: int) -> None:
    """Accept a text of plain printable characters, spaces around it not counted, or raise.

    Raises: InvalidRequest.
    """
    if _PRINTABLE.fullmatch(text) is None or not (shortest <= len(text.strip()) and len(text) <= longest):
        raise InvalidRequest(field=field, rule=f"{shortest} to {longest} plain characters")


def require_remarks(text: str) -> None:
    """Accept remarks of 2 to 100 plain characters, or raise.

    Raises: InvalidRequest.
    """
    require_text(text, field="remarks", shortest=SHORTEST_REMARKS, longest=LONGEST_REMARKS)


def remarks_from(text: str, *, otherwise: str = "PayMe") -> str:
    """Return remarks made of any text: what Safaricom would not take is dropped, the rest cut to 100 characters."""
    shown = " ".join(_NOT_PRINTABLE.sub(" ", text).split())[:LONGEST_REMARKS].strip()
    return shown if len(shown) >= SHORTEST_REMARKS else otherwise
