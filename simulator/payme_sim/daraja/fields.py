"""What the fields of all products have in common: texts, numbers, URLs.

Lives here: pure checks of one field. Does not live here: which fields a product has.
Invariant: a field that breaks its rule is named the way the provider names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

LARGEST_AMOUNT = 250_000
FORBIDDEN_WORDS = ("m-pesa", "mpesa", "safaricom", "exe", "exec", "cmd", "sql", "query")
TUNNEL_HOSTS = ("ngrok", "mockbin", "requestbin")

MSISDN = re.compile(r"254[17]\d{8}", re.ASCII)
SHORTCODE = re.compile(r"\d{5,7}", re.ASCII)
ANYTHING = re.compile(r".+", re.DOTALL)
_AMOUNT = re.compile(r"[1-9]\d{0,5}", re.ASCII)


class FieldRefused(Exception):
    """A field breaks its rule; `field` is the provider's name for it."""

    def __init__(self, field: str) -> None:
        """Carry the provider's name of the field."""
        super().__init__(field)
        self.field = field


def read_text(body: Mapping[str, Any], name: str, *, pattern: re.Pattern[str], called: str | None = None) -> str:
    """Read a text, or a whole number as text.

    Raises: FieldRefused, naming the field `called` where the provider calls it so.
    """
    value = body.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or not pattern.fullmatch(value):
        raise FieldRefused(called or name)
    return value


def read_optional_text(body: Mapping[str, Any], name: str) -> str:
    """Read a text that may be missing; then it is empty."""
    value = body.get(name)
    return "" if value is None else str(value)


def read_choice(body: Mapping[str, Any], name: str, *, choices: tuple[str, ...]) -> str:
    """Read a text that must be one of several.

    Raises: FieldRefused.
    """
    value = read_text(body, name, pattern=ANYTHING)
    if value not in choices:
        raise FieldRefused(name)
    return value


def read_amount(body: Mapping[str, Any]) -> int:
    """Read an amount in whole shillings.

    Raises: FieldRefused.
    """
    amount = int(read_text(body, "Amount", pattern=_AMOUNT))
    if amount > LARGEST_AMOUNT:
        raise FieldRefused("Amount")
    return amount


def read_url(body: Mapping[str, Any], name: str, *, production_mode: bool) -> str:
    """Read a URL that the provider will call.

    Raises: FieldRefused when it is none, holds a forbidden word, or in production is not https at a host of one's own.
    """
    url = read_text(body, name, pattern=ANYTHING)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise FieldRefused(name) from None
    broken = re.search(r"[<>\s]", url) or parts.scheme not in {"http", "https"} or not host
    not_live = production_mode and (parts.scheme != "https" or any(tunnel in host for tunnel in TUNNEL_HOSTS))
    if broken or forbidden_word(url) or not_live:
        raise FieldRefused(name)
    return url


def forbidden_word(url: str) -> str | None:
    """Find the first word that a URL must not hold, in any case."""
    return next((word for word in FORBIDDEN_WORDS if word in url.lower()), None)
