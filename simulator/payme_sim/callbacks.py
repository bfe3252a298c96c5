"""Telling the client's callback URL how a prompt ended.

Lives here: the callback's body as it looks on the wire, and its delivery: once, never, twice or late.
Does not live here: what the result is. Invariant: nothing is ever retried, and whatever is not sent is recorded.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx2

from payme_sim.clock import NAIROBI
from payme_sim.faults import FaultKind, Faults, Product
from payme_sim.outcomes import Delivery, result_text, wire_code
from payme_sim.transcript import Event

if TYPE_CHECKING:
    from payme_sim.clock import Clock
    from payme_sim.prompts import Push
    from payme_sim.settings import Settings
    from payme_sim.transcript import Transcript

_AMOUNT_MARK = "@amount@"
_DELIVERY_FAULTS = frozenset({FaultKind.LOST, FaultKind.LATE, FaultKind.TWICE})


class Courier:
    """Delivers results; each delivery waits for the receiver's answer and then forgets it."""

    def __init__(self, clock: Clock, faults: Faults, *, settings: Settings, transcript: Transcript) -> None:
        """Deliver by the clock's time, subject to the faults ordered for callbacks."""
        # A connection kept open could have died with its receiver, and there is no second try.
        limits = httpx2.Limits(max_keepalive_connections=0)
        self._client = httpx2.AsyncClient(trust_env=False, limits=limits)
        self._clock = clock
        self._faults = faults
        self._settings = settings
        self._transcript = transcript

    async def dispatch(self, push: Push, delivery: Delivery) -> None:
        """Deliver the result of a finished prompt in the given manner, unless a fault says otherwise."""
        fault = self._faults.take(Product.CALLBACK, push.phone, kinds=_DELIVERY_FAULTS)
        if fault is not None:
            self._transcript.record(Event.FAULT, product=fault.product, kind=fault.kind, **_facts(push))
        if delivery is Delivery.NEVER or (fault and fault.kind is FaultKind.LOST):
            why = "fault: lost" if fault else "this number's callbacks are always lost"
            self._transcript.record(Event.CALLBACK_NOT_SENT, reason=why, **_facts(push))
        elif fault and fault.kind is FaultKind.LATE:
            await self._send_later(push, fault.seconds)
        elif delivery is Delivery.TWICE or (fault and fault.kind is FaultKind.TWICE):
            await asyncio.gather(self._send(push), self._send(push))
        else:
            await self._send(push)

    async def _send_later(self, push: Push, seconds: float) -> None:
        async def send() -> None:
            await self._send(push)

        self._transcript.record(Event.CALLBACK_SCHEDULED, in_seconds=seconds, **_facts(push))
        self._clock.call_after(seconds, send)

    async def _send(self, push: Push) -> None:
        body = stk_callback_body(push)
        headers = {"Content-Type": "application/json;charset=UTF-8", "Businessshortcode": push.shortcode.shortcode}
        facts = _facts(push) | {"body": json.loads(body)}
        try:
            timeout = self._settings.callback_timeout_seconds
            reply = await self._client.post(push.callback_url, content=body, headers=headers, timeout=timeout)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            self._transcript.record(Event.CALLBACK_FAILED, reason=f"{type(error).__name__}: {error}", **facts)
        else:
            self._transcript.record(Event.CALLBACK_SENT, status=reply.status_code, reply=reply.text[:500], **facts)


def stk_callback_body(push: Push) -> bytes:
    """Write the callback of a finished prompt; the amount travels as a number with two decimals."""
    code = push.result_code
    assert code is not None, "only a finished prompt has a result to tell"
    callback: dict[str, Any] = {
        "MerchantRequestID": push.merchant_request_id,
        "CheckoutRequestID": push.checkout_request_id,
        "ResultCode": wire_code(code),
        "ResultDesc": push.result_text or result_text(code),
    }
    amount = ""
    if push.payment is not None:
        callback["CallbackMetadata"] = {"Item": _metadata(push)}
        amount = f"{push.payment.amount_cents // 100}.{push.payment.amount_cents % 100:02d}"
    text = json.dumps({"Body": {"stkCallback": callback}}, separators=(",", ":"))
    return text.replace(f'"{_AMOUNT_MARK}"', amount).encode()


def _metadata(push: Push) -> list[dict[str, Any]]:
    """List the five items of a success; `Balance` comes without a value, as it does in real traffic."""
    payment = push.payment
    assert payment is not None, "metadata belongs to a payment"
    return [
        {"Name": "Amount", "Value": _AMOUNT_MARK},
        {"Name": "MpesaReceiptNumber", "Value": payment.receipt},
        {"Name": "Balance"},
        {"Name": "TransactionDate", "Value": int(payment.at.astimezone(NAIROBI).strftime("%Y%m%d%H%M%S"))},
        {"Name": "PhoneNumber", "Value": int(push.payer)},
    ]


def _facts(push: Push) -> dict[str, Any]:
    return {
        "checkout_request_id": push.checkout_request_id,
        "callback_url": push.callback_url,
        "msisdn": push.phone,
    }
