"""Standing orders: `/standingorder/v1/createStandingOrderExternal`.

Lives here: field rules, the customer's consent, its callback. Does not live here: later payments, which nobody starts.
Invariant: a customer has one standing order of a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from payme_sim.courier import Letter
from payme_sim.daraja.errands import read_shortcode
from payme_sim.daraja.fields import ANYTHING, MSISDN, FieldRefused, read_amount, read_choice, read_text, read_url
from payme_sim.daraja.wire import wire_json
from payme_sim.faults import FaultKind, Product
from payme_sim.gateway import Call
from payme_sim.outcomes import PAID, Delivery, outcome_for, result_text
from payme_sim.transcript import Event
from payme_sim.world import World

DUPLICATE_NAME = "1050"
_TYPES = ("Standing Order Customer Pay Bill", "Standing Order Customer Pay Marchant")
_FREQUENCIES = tuple("12345678")
_DATE = re.compile(r"\d{8}", re.ASCII)
_REFERENCE = re.compile(r".{1,12}")
_DESCRIPTION = re.compile(r".{1,13}")
_DUMMY_RECEIPT = "0000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Consent:
    """What a customer is asked to agree to."""

    reference_id: str
    msisdn: str
    name: str
    url: str


async def create_standing_order(call: Call) -> dict[str, Any]:
    """Accept a standing order; whether the customer agrees is told later."""
    world = call.world
    call.app()
    body = call.body()
    consent = _read(world, body)
    drawn = world.dice.seconds_between("ratiba", low=1.0, high=3.0)
    world.clock.call_after(drawn * world.settings.callback_scale, lambda: _decide(world, consent))
    description = "Request accepted for processing"
    return {
        "ResponseHeader": {
            "responseRefID": consent.reference_id,
            "responseCode": "200",
            "responseDescription": description,
            "ResultDesc": "The service request is processed successfully.",
        },
        "ResponseBody": {"responseDescription": description, "responseCode": "200"},
    }


def _read(world: World, body: Mapping[str, Any]) -> _Consent:
    name = read_text(body, "StandingOrderName", pattern=ANYTHING)
    if _date(body, "EndDate") < _date(body, "StartDate"):
        raise FieldRefused("EndDate")
    read_shortcode(world, body, "BusinessShortCode")
    read_choice(body, "TransactionType", choices=_TYPES)
    read_choice(body, "ReceiverPartyIdentifierType", choices=("4", "2"))
    read_choice(body, "Frequency", choices=_FREQUENCIES)
    read_amount(body)
    read_text(body, "AccountReference", pattern=_REFERENCE)
    read_text(body, "TransactionDesc", pattern=_DESCRIPTION)
    return _Consent(
        reference_id=world.dice.request_id(),
        msisdn=read_text(body, "PartyA", pattern=MSISDN),
        name=name,
        url=read_url(body, "CallBackURL", production_mode=world.settings.production_mode),
    )


def _date(body: Mapping[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(read_text(body, name, pattern=_DATE))
    except ValueError:
        raise FieldRefused(name) from None


async def _decide(world: World, consent: _Consent) -> None:
    """Let the customer's number choose, as it does for prompts, and tell the callback."""
    outcome = outcome_for(consent.msisdn, world.settings.telling_digits)
    code = outcome.code if outcome else PAID
    if fault := world.faults.take(Product.RATIBA, consent.msisdn, kinds={FaultKind.RESULT}):
        code = fault.code or code
    order = (consent.msisdn, consent.name)
    if code == PAID and order in world.standing_orders:
        code = DUPLICATE_NAME
    if code == PAID:
        world.standing_orders.add(order)
    receipt = world.ledger.new_receipt() if code == PAID else _DUMMY_RECEIPT
    letter = Letter(
        product=Product.RATIBA, url=consent.url, body=_body(consent, code, receipt=receipt), msisdn=consent.msisdn
    )
    world.transcript.record(Event.RESULT, result_code=code, **letter.told)
    await world.courier.dispatch(letter, outcome.delivery if outcome and code == PAID else Delivery.ONCE)


def _body(consent: _Consent, code: str, *, receipt: str) -> bytes:
    """Write the callback: a success begins its keys in lower case, a failure in upper case."""
    is_paid = code == PAID
    masked = f"{consent.msisdn[:3]}******{consent.msisdn[-3:]}"
    data = {"TransactionID": receipt, "responseCode": code, "Status": "OKAY" if is_paid else "ERROR", "Msisdn": masked}

    def cased(key: str) -> str:
        return key[0].lower() + key[1:] if is_paid else key

    header = {
        "ResponseRefID": consent.reference_id,
        "RequestRefID": consent.reference_id,
        "ResponseCode": code,
        "ResponseDescription": _text(code),
    }
    items = [{cased("Name"): key, cased("Value"): value} for key, value in data.items()]
    return wire_json(
        {
            cased("ResponseHeader"): {cased(key): value for key, value in header.items()},
            cased("ResponseBody"): {cased("ResponseData"): items},
        }
    )


def _text(code: str) -> str:
    return "Standing order name already exists." if code == DUPLICATE_NAME else result_text(code)
