"""Pulling what customers paid: `/pulltransactions/v1/register` and `/pulltransactions/v1/query`.

Lives here: field rules, the window, the rows. Does not live here: payments.
Invariant: nothing older than 48 hours is told, and `1001` says either that there is nothing or that something is wrong.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from payme_sim.apps import Kind, ShortCode
from payme_sim.clock import NAIROBI
from payme_sim.daraja.errands import read_shortcode
from payme_sim.daraja.fields import MSISDN, read_choice, read_text, read_url
from payme_sim.gateway import Call, Refused
from payme_sim.movements import Movement, Reason, shillings

WINDOW = timedelta(hours=48)
PAGE = 100
_OFFSET = re.compile(r"\d{1,6}", re.ASCII)
_DONE, _NOTHING = "1000", "1001"
_TYPES = {Kind.PAYBILL: "c2b-pay-bill-debit", Kind.TILL: "c2b-buy-goods-debit"}
_BY_HAND = frozenset({Reason.PAY_BILL, Reason.BUY_GOODS})


async def register_pull(call: Call) -> dict[str, Any]:
    """Register a short code for pulling; doing so again is told apart, and just as good."""
    world = call.world
    _subscribed(call)
    body = call.body()
    shortcode = read_shortcode(world, body, "ShortCode")
    read_choice(body, "RequestType", choices=("Pull",))
    read_text(body, "NominatedNumber", pattern=MSISDN)
    read_url(body, "CallBackURL", production_mode=world.settings.production_mode)
    is_new = shortcode.shortcode not in world.pulling
    world.pulling.add(shortcode.shortcode)
    return {
        "ResponseRefID": world.dice.request_id(),
        "ResponseStatus": _DONE if is_new else _NOTHING,
        "ShortCode": shortcode.shortcode,
        "ResponseDescription": "ShortCode registered successfully" if is_new else "ShortCode already Registered",
    }


async def query_pull(call: Call) -> dict[str, Any]:
    """Tell a page of payments as an array in an array; an error and an empty page look alike, both with HTTP 200."""
    world = call.world
    _subscribed(call)
    body = call.body()
    shortcode = read_shortcode(world, body, "ShortCode")
    offset = int(read_text(body, "OffSetValue", pattern=_OFFSET))
    first = max(_instant(body.get("StartDate")), world.clock.now() - WINDOW)
    last = _instant(body.get("EndDate"))
    rows = world.ledger.payments_to(shortcode.shortcode)
    page = [payment for payment in rows if first <= payment.at <= last][offset : offset + PAGE]
    answer = {"ResponseRefID": world.dice.request_id()}
    if not page or shortcode.shortcode not in world.pulling:
        return answer | {"ResponseCode": _NOTHING, "ResponseMessage": "No transactions found", "Response": []}
    as_utc = world.settings.pull_dates_are_utc
    told = [_row(payment, shortcode, as_utc=as_utc) for payment in page]
    return answer | {"ResponseCode": _DONE, "ResponseMessage": "Success", "Response": [told]}


def _subscribed(call: Call) -> None:
    call.app()
    if not call.world.settings.pull_subscribed:
        raise Refused(401, "401.001", text="Invalid API call as no apiproduct match found")


def _instant(value: object) -> datetime:
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=NAIROBI)
    except ValueError:
        raise Refused(400, "400.001", text="Bad Request - Invalid Date") from None


def _row(payment: Movement, shortcode: ShortCode, *, as_utc: bool) -> dict[str, Any]:
    """Write one payment; who paid by hand loses the country's digits, and Nairobi's time may call itself UTC."""
    is_by_hand = payment.order.reason in _BY_HAND
    at = payment.at if as_utc else payment.at.astimezone(NAIROBI)
    return {
        "transactionId": payment.receipt,
        "trxDate": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "msisdn": int(payment.msisdn[3:] if is_by_hand else payment.msisdn),
        "sender": "MPESA",
        "transactiontype": _TYPES[shortcode.kind],
        "billreference": payment.reference,
        "amount": shillings(payment.amount_cents),
        "organizationname": shortcode.name,
    }
