"""The field rules of STK push and query.

Lives here: pure checks of what was sent. Does not live here: look-ups, money, timers.
Invariant: the first field that breaks its rule is named the way the provider names it.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from payme_sim.clock import NAIROBI

LARGEST_AMOUNT = 250_000
FORBIDDEN_WORDS = ("m-pesa", "mpesa", "safaricom", "exe", "exec", "cmd", "sql", "query")
TUNNEL_HOSTS = ("ngrok", "mockbin", "requestbin")
TRANSACTION_TYPES = ("CustomerPayBillOnline", "CustomerBuyGoodsOnline")
TIMESTAMP_TOLERANCE = timedelta(minutes=5)

_MSISDN = re.compile(r"254[17]\d{8}", re.ASCII)
_SHORTCODE = re.compile(r"\d{5,7}", re.ASCII)
_AMOUNT = re.compile(r"[1-9]\d{0,5}", re.ASCII)
_REFERENCE = re.compile(r".{1,12}")
_REMARKS = re.compile(r".{1,13}")
_STAMP = re.compile(r"\d{14}", re.ASCII)
_ANYTHING = re.compile(r".+", re.DOTALL)


class FieldRefused(Exception):
    """A field breaks its rule; `field` is the provider's name for it."""

    def __init__(self, field: str) -> None:
        """Carry the provider's name of the field."""
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What every STK request proves its short code with."""

    shortcode: str
    password: str
    timestamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PushFields:
    """A push whose fields keep their rules; `amount` in whole shillings."""

    signed: Signed
    transaction_type: str
    amount: int
    payer: str
    party_b: str
    phone: str
    callback_url: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """Rules that hold only when switched on; `now` is set when timestamps must be near it."""

    production_mode: bool = False
    now: datetime | None = None


def read_signed(body: Mapping[str, Any], strictness: Strictness) -> Signed:
    """Read short code, password and timestamp.

    Raises: FieldRefused.
    """
    return Signed(
        shortcode=_text(body, "BusinessShortCode", pattern=_SHORTCODE),
        password=_text(body, "Password", pattern=_ANYTHING),
        timestamp=_timestamp(body, strictness.now),
    )


def read_push(body: Mapping[str, Any], strictness: Strictness) -> PushFields:
    """Read a push request, numbers and digit strings alike.

    Raises: FieldRefused for the first field that breaks its rule; a missing TransactionDesc is called Remarks.
    """
    signed = read_signed(body, strictness)
    transaction_type = _text(body, "TransactionType", pattern=_ANYTHING)
    if transaction_type not in TRANSACTION_TYPES:
        raise FieldRefused("TransactionType")
    fields = PushFields(
        signed=signed,
        transaction_type=transaction_type,
        amount=_amount(body),
        payer=_text(body, "PartyA", pattern=_MSISDN),
        party_b=_text(body, "PartyB", pattern=_SHORTCODE),
        phone=_text(body, "PhoneNumber", pattern=_MSISDN),
        callback_url=_callback_url(body, production_mode=strictness.production_mode),
        reference=_text(body, "AccountReference", pattern=_REFERENCE),
    )
    _text(body, "TransactionDesc", pattern=_REMARKS, called="Remarks")
    return fields


def password_matches(signed: Signed, passkey: str) -> bool:
    """Tell whether the password is base64 of short code, passkey and timestamp."""
    expected = base64.b64encode(f"{signed.shortcode}{passkey}{signed.timestamp}".encode())
    return hmac.compare_digest(expected, signed.password.encode())


def _text(body: Mapping[str, Any], name: str, *, pattern: re.Pattern[str], called: str | None = None) -> str:
    value = body.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or not pattern.fullmatch(value):
        raise FieldRefused(called or name)
    return value


def _amount(body: Mapping[str, Any]) -> int:
    amount = int(_text(body, "Amount", pattern=_AMOUNT))
    if amount > LARGEST_AMOUNT:
        raise FieldRefused("Amount")
    return amount


def _timestamp(body: Mapping[str, Any], now: datetime | None) -> str:
    stamp = _text(body, "Timestamp", pattern=_STAMP)
    try:
        instant = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=NAIROBI)
    except ValueError:
        raise FieldRefused("Timestamp") from None
    if now is not None and abs(instant - now) > TIMESTAMP_TOLERANCE:
        raise FieldRefused("Timestamp")
    return stamp


def _callback_url(body: Mapping[str, Any], *, production_mode: bool) -> str:
    url = _text(body, "CallBackURL", pattern=_ANYTHING)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise FieldRefused("CallBackURL") from None
    lowered = url.lower()
    broken = re.search(r"[<>\s]", url) or parts.scheme not in {"http", "https"} or not host
    forbidden = any(word in lowered for word in FORBIDDEN_WORDS)
    not_live = production_mode and (parts.scheme != "https" or any(tunnel in host for tunnel in TUNNEL_HOSTS))
    if broken or forbidden or not_live:
        raise FieldRefused("CallBackURL")
    return url
