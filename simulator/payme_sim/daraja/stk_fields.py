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

from payme_sim.clock import NAIROBI
from payme_sim.daraja.fields import (
    ANYTHING,
    MSISDN,
    SHORTCODE,
    FieldRefused,
    read_amount,
    read_choice,
    read_text,
    read_url,
)

TRANSACTION_TYPES = ("CustomerPayBillOnline", "CustomerBuyGoodsOnline")
TIMESTAMP_TOLERANCE = timedelta(minutes=5)

_REFERENCE = re.compile(r".{1,12}")
_REMARKS = re.compile(r".{1,13}")
_STAMP = re.compile(r"\d{14}", re.ASCII)


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
        shortcode=read_text(body, "BusinessShortCode", pattern=SHORTCODE),
        password=read_text(body, "Password", pattern=ANYTHING),
        timestamp=_timestamp(body, strictness.now),
    )


def read_push(body: Mapping[str, Any], strictness: Strictness) -> PushFields:
    """Read a push request, numbers and digit strings alike.

    Raises: FieldRefused for the first field that breaks its rule; a missing TransactionDesc is called Remarks.
    """
    fields = PushFields(
        signed=read_signed(body, strictness),
        transaction_type=read_choice(body, "TransactionType", choices=TRANSACTION_TYPES),
        amount=read_amount(body),
        payer=read_text(body, "PartyA", pattern=MSISDN),
        party_b=read_text(body, "PartyB", pattern=SHORTCODE),
        phone=read_text(body, "PhoneNumber", pattern=MSISDN),
        callback_url=read_url(body, "CallBackURL", production_mode=strictness.production_mode),
        reference=read_text(body, "AccountReference", pattern=_REFERENCE),
    )
    read_text(body, "TransactionDesc", pattern=_REMARKS, called="Remarks")
    return fields


def password_matches(signed: Signed, passkey: str) -> bool:
    """Tell whether the password is base64 of short code, passkey and timestamp."""
    expected = base64.b64encode(f"{signed.shortcode}{passkey}{signed.timestamp}".encode())
    return hmac.compare_digest(expected, signed.password.encode())


def _timestamp(body: Mapping[str, Any], now: datetime | None) -> str:
    stamp = read_text(body, "Timestamp", pattern=_STAMP)
    try:
        instant = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=NAIROBI)
    except ValueError:
        raise FieldRefused("Timestamp") from None
    if now is not None and abs(instant - now) > TIMESTAMP_TOLERANCE:
        raise FieldRefused("Timestamp")
    return stamp
