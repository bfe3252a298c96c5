"""STK push and STK query: `/mpesa/stkpush/v1/processrequest` and `/mpesa/stkpushquery/v1/query`.

Lives here: the two handlers and their answers. Does not live here: field rules, prompts, callbacks.
Invariant: an accepted push says only that it was accepted; whether money moved is told by callback and query.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from payme_sim import outcomes
from payme_sim.apps import ShortCode
from payme_sim.daraja.stk_fields import (
    PushFields,
    Signed,
    Strictness,
    password_matches,
    read_push,
    read_signed,
)
from payme_sim.faults import FaultKind, Product
from payme_sim.gateway import Call, Refused, SpikeArrested, invalid
from payme_sim.outcomes import Delivery, result_text
from payme_sim.prompts import Push, PushOrder, SubscriberLocked
from payme_sim.world import World

_TOO_FRESH = timedelta(seconds=1)
_LOCKED = "Unable to lock subscriber, a transaction is already in process for the current subscriber"
_ACCEPTED = "Success. Request accepted for processing"


async def push_prompt(call: Call) -> dict[str, Any]:
    """Accept a push and start its prompt."""
    world = call.world
    call.app()
    fields = read_push(call.body(), _strictness(world))
    shortcode = _merchant(world, fields.signed)
    try:
        push = world.prompts.open(_order(fields, shortcode), world.settings)
    except SubscriberLocked:
        raise Refused(500, "500.001.1001", text=_LOCKED) from None
    call.entry["checkout_request_id"] = push.checkout_request_id
    if push.outcome and push.outcome.delivery is Delivery.BEFORE_ANSWER:
        await world.prompts.decide(push, push.outcome.code, settings=world.settings)
    return {
        "MerchantRequestID": push.merchant_request_id,
        "CheckoutRequestID": push.checkout_request_id,
        "ResponseCode": "0",
        "ResponseDescription": _ACCEPTED,
        "CustomerMessage": _ACCEPTED,
    }


async def query_prompt(call: Call) -> dict[str, Any]:
    """Tell how a prompt stands; the code is a string, and there is neither receipt nor amount."""
    world = call.world
    app = call.app()
    if world.settings.query_limit and not world.query_gate.admit(app.consumer_key, world.clock.now()):
        raise SpikeArrested
    body = call.body()
    signed = read_signed(body, _strictness(world))
    _merchant(world, signed)
    push = _find_push(world, signed, checkout_id=body.get("CheckoutRequestID"))
    code = push.query_says
    if fault := world.faults.take(Product.STK_QUERY, push.phone, kinds={FaultKind.RESULT}):
        code = fault.code
    if code is None and world.settings.pending_as_500:
        raise Refused(500, "500.001.1001", text="The transaction is being processed")
    code = code or outcomes.STILL_PROCESSING
    return {
        "ResponseCode": "0",
        "ResponseDescription": "The service request has been accepted successsfully",
        "MerchantRequestID": push.merchant_request_id,
        "CheckoutRequestID": push.checkout_request_id,
        "ResultCode": code,
        "ResultDesc": push.result_text if push.result_text and code == push.result_code else result_text(code),
    }


def _strictness(world: World) -> Strictness:
    settings = world.settings
    now = world.clock.now() if settings.strict_timestamp else None
    return Strictness(production_mode=settings.production_mode, now=now)


def _merchant(world: World, signed: Signed) -> ShortCode:
    """Find the short code and check that its passkey signed the request."""
    shortcode = world.apps.shortcodes.get(signed.shortcode)
    if shortcode is None:
        raise Refused(500, "500.001.1001", text="Merchant does not exist")
    if not password_matches(signed, shortcode.passkey):
        raise Refused(500, "500.001.1001", text="Wrong credentials")
    return shortcode


def _order(fields: PushFields, shortcode: ShortCode) -> PushOrder:
    """Turn valid fields into a prompt; a mix-up of till, store and paybill shows only in the result."""
    refused_with = None
    if fields.party_b != shortcode.receives_on:
        refused_with = outcomes.NO_SUCH_OPERATOR
    elif fields.transaction_type != shortcode.transaction_type:
        refused_with = outcomes.WRONG_PRODUCT
    return PushOrder(
        shortcode=shortcode,
        phone=fields.phone,
        payer=fields.payer,
        amount=fields.amount,
        reference=fields.reference,
        callback_url=fields.callback_url,
        refused_with=refused_with,
    )


def _find_push(world: World, signed: Signed, *, checkout_id: object) -> Push:
    if not isinstance(checkout_id, str) or not checkout_id.startswith("ws_CO_"):
        raise invalid("CheckoutRequestID")
    push = world.prompts.by_checkout_id.get(checkout_id)
    if push is None or push.shortcode.shortcode != signed.shortcode:
        raise Refused(500, "500.001.1001", text="The transaction does not Exist")
    if world.clock.now() - push.opened_at < _TOO_FRESH:
        raise invalid("CheckoutRequestID")
    return push
