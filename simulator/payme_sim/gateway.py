"""The gateway in front of every Daraja product: bearer tokens, error envelopes, ordered faults, the transcript.

Lives here: what all products share. Does not live here: a product's own fields and rules.
Invariant: every request received gets exactly one entry for its answer, or for its missing answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from payme_sim.apps import App
from payme_sim.connection import reset_connection
from payme_sim.daraja.fields import FieldRefused
from payme_sim.faults import Fault, FaultKind, Product
from payme_sim.transcript import Event, masked_authorization
from payme_sim.world import World

_SPIKE_FAULT = {
    "fault": {
        "faultstring": "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5, "
        "periodInMicroseconds=60000000, maxBurstMessageCount=1.0}",
        "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"},
    }
}
_MSISDN = re.compile(r"254[17]\d{8}", re.ASCII)
# A GET where a POST belongs is answered with this misleading text.
_WRONG_METHOD = ("404.001.04", "Invalid Authentication Header")
# Each product has its own code for a token that is dead or was never given.
_DEAD_TOKEN = {
    Product.C2B_REGISTER: (400, "400.003.01"),
    Product.C2B_SIMULATE: (400, "400.003.01"),
    Product.B2B: (400, "400.003.01"),
    Product.REMITTAX: (400, "400.003.01"),
    Product.STATUS: (400, "400.003.01"),
    Product.BALANCE: (401, "401.002.01"),
}
_HTML_PAGE = (
    "<html><head><title>Error</title></head><body>Request unsuccessful. Incapsula incident ID: {incident}</body></html>"
)


class Refused(Exception):
    """The request is answered with an error envelope."""

    def __init__(self, status: int, code: str, *, text: str) -> None:
        """Carry the HTTP status, the errorCode and the errorMessage."""
        super().__init__(code, text)
        self.status = status
        self.code = code
        self.text = text


class SpikeArrested(Exception):
    """The request came too soon after the one before."""


def invalid(field: str) -> Refused:
    """Name a field that breaks its rule."""
    return Refused(400, "400.002.02", text=f"Bad Request - Invalid {field}")


@dataclass(slots=True, kw_only=True)
class Call:
    """One request on its way through the gateway."""

    world: World
    product: Product
    request: Request
    raw: bytes
    entry: dict[str, Any] = field(default_factory=dict[str, Any])

    def body(self) -> dict[str, Any]:
        """Parse the JSON object that was sent.

        Raises: Refused for a wrong content type (with the provider's misleading text) or anything but an object.
        """
        if not self.request.headers.get("content-type", "").lower().startswith("application/json"):
            raise Refused(400, "400.002.02", text="Bad Request - Invalid BusinessShortCode")
        parsed = parse_object(self.raw)
        if parsed is None:
            raise Refused(400, "400.002.05", text="Invalid Request Payload")
        return parsed

    def bearer_token(self) -> str | None:
        """Find the token sent, if the header has the right scheme."""
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None

    def app(self) -> App:
        """Find the app whose token was sent.

        Raises: Refused.
        """
        token = self.bearer_token()
        if token is None:
            raise Refused(404, "404.001.04", text="Invalid Authentication Header")
        app = self.world.apps.app_of_token(token)
        if app is None:
            status, code = _DEAD_TOKEN.get(self.product, (404, "404.001.03"))
            raise Refused(status, code, text="Invalid Access Token")
        return app


Handler = Callable[[Call], Awaitable[dict[str, Any]]]


def product_endpoint(product: Product, handler: Handler, *, method: str) -> Callable[[Request], Awaitable[Response]]:
    """Make the endpoint of one product from its handler, which returns the accepted answer or raises Refused."""

    async def endpoint(request: Request) -> Response:
        world: World = request.app.state.world
        call = Call(world=world, product=product, request=request, raw=await request.body())
        call.entry = record_request(call)
        response = await _answer(call, handler, method=method)
        if response is None:
            world.transcript.record(Event.NO_ANSWER, **_reply_facts(call), reason="connection reset")
            return Response(status_code=500)
        facts = {"status": response.status_code, "body": _readable(bytes(response.body))}
        world.transcript.record(Event.ANSWER, **_reply_facts(call), **facts)
        return response

    return endpoint


def record_request(call: Call) -> dict[str, Any]:
    """Enter a received request into the transcript and return the entry, to be completed later."""
    body = parse_object(call.raw) or {}
    return call.world.transcript.record(
        Event.REQUEST,
        product=call.product,
        method=call.request.method,
        path=call.request.url.path,
        authorization=masked_authorization(call.request.headers.get("authorization")),
        body=body or _readable(call.raw),
        checkout_request_id=body.get("CheckoutRequestID"),
        callback_url=body.get("CallBackURL") or body.get("ResultURL"),
        msisdn=_msisdn(call),
    )


def parse_object(raw: bytes) -> dict[str, Any] | None:
    """Parse a JSON object; None for anything else."""
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else None


def refusal_response(world: World, refusal: Refused) -> Response:
    """Write the error envelope."""
    body = {"requestId": world.dice.request_id(), "errorCode": refusal.code, "errorMessage": refusal.text}
    return JSONResponse(body, refusal.status)


async def _answer(call: Call, handler: Handler, *, method: str) -> Response | None:
    """Answer with faults before and after the handler; None when the connection was cut."""
    faults, msisdn = call.world.faults, _msisdn(call)
    if fault := faults.take_for_request(call.product, msisdn, after_accept=False):
        _record_fault(call, fault)
        if fault.kind is FaultKind.KILLED_TOKEN and call.product is not Product.OAUTH:
            call.world.apps.kill_token(call.bearer_token() or "")
        elif fault.kind is not FaultKind.KILLED_TOKEN:
            return await _fault_response(call, fault, accepted=None)
    response = await _handled(call, handler, method=method)
    if fault and fault.kind is FaultKind.KILLED_TOKEN and call.product is Product.OAUTH:
        call.world.apps.kill_token(str((parse_object(bytes(response.body)) or {}).get("access_token")))
    if response.status_code == 200 and (fault := faults.take_for_request(call.product, msisdn, after_accept=True)):
        _record_fault(call, fault)
        return await _fault_response(call, fault, accepted=response)
    return response


async def _handled(call: Call, handler: Handler, *, method: str) -> Response:
    if call.request.method != method:
        code, text = ("405.001", "Method Not Allowed") if method == "GET" else _WRONG_METHOD
        return refusal_response(call.world, Refused(int(code[:3]), code, text=text))
    try:
        return JSONResponse(await handler(call))
    except Refused as refusal:
        return Response(status_code=400) if not refusal.code else refusal_response(call.world, refusal)
    except FieldRefused as refusal:
        return refusal_response(call.world, invalid(refusal.field))
    except SpikeArrested:
        return JSONResponse(_SPIKE_FAULT, 429)


async def _fault_response(call: Call, fault: Fault, *, accepted: Response | None) -> Response | None:
    """Carry out a fault; `accepted` is the answer that would have been given, if the request took effect."""
    if fault.kind is FaultKind.RESET:
        client = call.request.client
        assert client is not None, "a request over TCP has a client address"
        reset_connection(client.host, int(client.port))
        return None
    if fault.kind is FaultKind.HANG:
        await call.world.clock.sleep(fault.seconds)
        return accepted or Response(status_code=504)
    return _wrong_answer(call, fault)


def _wrong_answer(call: Call, fault: Fault) -> Response:
    """Write the answer that comes instead of the product's own."""
    if fault.kind is FaultKind.HTML:
        incident = call.world.dice.request_id()
        return Response(_HTML_PAGE.format(incident=incident), fault.status, media_type="text/html")
    if fault.kind is FaultKind.EMPTY_400:
        return Response(status_code=400)
    if fault.kind is FaultKind.SPIKE_429:
        return JSONResponse(_SPIKE_FAULT, 429)
    if fault.kind is FaultKind.EMPTY_MESSAGE:
        return refusal_response(call.world, Refused(500, "500.001.1001", text=""))
    if fault.kind is FaultKind.OUTAGE:
        text = "Service is currently unreachable. Please try again later."
        return refusal_response(call.world, Refused(fault.status, "500.003.1001", text=text))
    busy = Refused(500, "500.003.02", text="System is busy. Please try again in few minutes.")
    return refusal_response(call.world, busy)


def _record_fault(call: Call, fault: Fault) -> None:
    call.world.transcript.record(Event.FAULT, **_reply_facts(call), kind=fault.kind, fault_id=fault.id)


def _reply_facts(call: Call) -> dict[str, Any]:
    kept = ("product", "checkout_request_id", "conversation_id", "callback_url", "msisdn")
    return {"in_reply_to": call.entry["number"]} | {key: call.entry.get(key) for key in kept}


def _msisdn(call: Call) -> str | None:
    """Find the number a request is about, under whichever name the product has for it."""
    body = parse_object(call.raw) or {}
    if (number := body.get("PhoneNumber")) is not None:
        return str(number)
    named = (str(body.get(name)) for name in ("Msisdn", "PartyB", "PartyA"))
    return next((number for number in named if _MSISDN.fullmatch(number)), None)


def _readable(raw: bytes) -> Any:
    parsed = parse_object(raw)
    return parsed if parsed is not None else raw[:2000].decode(errors="replace")
