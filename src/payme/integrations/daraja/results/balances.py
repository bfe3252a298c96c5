"""Balances in Safaricom's two notations: accounts with pipes, and a struct that never was JSON.

    Utility Account|KES|228037.00|228037.00|0.00|0.00&Charges Paid Account|KES|-1540.00|-1540.00|0.00|0.00
    {Amount={CurrencyCode=KES, MinimumAmount=618683, BasicAmount=6186.83}}

The third and fourth place are the current and the available amount; what the last two mean nobody says. An amount that
cannot be read exactly is None, and the text stays.
Source: Daraja portal, Account Balance and Business Pay Bill.
"""

import re
from dataclasses import dataclass

from payme.integrations.daraja.values import signed_cents_of

MOST_ACCOUNTS = 32
_BASIC = re.compile(r"BasicAmount\s*=\s*(-?[0-9.]{1,32})\s*[,}]", re.ASCII)
_MINIMUM = re.compile(r"MinimumAmount\s*=\s*(-?[0-9]{1,20})\s*[,}]", re.ASCII)


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """One account of a shortcode, under Safaricom's name for it, with the text it was read from."""

    name: str
    currency: str
    current_cents: int | None
    available_cents: int | None
    text: str


def piped_balances(text: str) -> tuple[AccountBalance, ...]:
    """Return every account in a text of accounts between `&`; empty for a text without one."""
    parts = [part.strip() for part in text.split("&")[:MOST_ACCOUNTS]]
    return tuple(_account(part) for part in parts if "|" in part)


def struct_cents(text: str) -> int | None:
    """Return the amount in a struct as cents, or None where there is none or its two notations disagree."""
    basic, minimum = _BASIC.search(text), _MINIMUM.search(text)
    cents = signed_cents_of(basic[1]) if basic else None
    if minimum is None or cents is None:
        return cents
    return cents if cents == int(minimum[1]) else None


def charge_cents(text: str) -> int | None:
    """Return the amount of a charge, alone or as `Fee For B2C Payment|KES|22.40`, as cents.

    None where there is none, or more than one.
    """
    if "&" in text:
        return None
    return signed_cents_of(text.rpartition("|")[2].strip())


def _account(text: str) -> AccountBalance:
    places = [place.strip() for place in text.split("|")]
    name, currency, current, available = [*places, "", "", ""][:4]
    return AccountBalance(name, currency, signed_cents_of(current), signed_cents_of(available), text)
