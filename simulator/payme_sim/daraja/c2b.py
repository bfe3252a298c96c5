"""Registering C2B URLs, and the sandbox's way to pay without a phone: `/mpesa/c2b/…/registerurl` and `…/simulate`.

Lives here: field rules and answers. Does not live here: payments and what is told of them.
Invariant: a refused registration leaves the one before as it was.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from payme_sim.apps import SANDBOX_SHORTCODE, ShortCode
from payme_sim.c2b import AlreadyRegistered, ByHand, Registration
from payme_sim.daraja.fields import (
    ANYTHING,
    MSISDN,
    SHORTCODE,
    FieldRefused,
    forbidden_word,
    read_amount,
    read_choice,
    read_optional_text,
    read_text,
    read_url,
)
from payme_sim.gateway import Call, Refused
from payme_sim.world import World

_RESPONSE_TYPES = ("Completed", "Cancelled")
_COMMANDS = ("CustomerPayBillOnline", "CustomerBuyGoodsOnline")
_VERSION = re.compile(r"/c2b/(v[12])/")


async def register_urls(call: Call) -> dict[str, Any]:
    """Take the URLs of a short code; the answer's id is misspelt, as on the wire."""
    call.app()
    version = _version(call)
    body = call.body()
    shortcode = _registering(call.world, body)
    completes = read_choice(body, "ResponseType", choices=_RESPONSE_TYPES) == "Completed"
    registration = Registration(
        version=version,
        completes=completes,
        confirmation_url=_url(call.world, body, "ConfirmationURL"),
        validation_url=_url(call.world, body, "ValidationURL"),
    )
    try:
        call.world.c2b.register(shortcode, registration)
    except AlreadyRegistered:
        raise Refused(500, "500.003.1001", text="Urls are already registered.") from None
    return _accepted(call.world, "Success" if version == "v2" else "success")


async def simulate_payment(call: Call) -> dict[str, Any]:
    """Pay as if by hand; exists in the sandbox only."""
    world = call.world
    call.app()
    _version(call)
    if world.settings.production_mode:
        raise Refused(404, "404.003.01", text="Resource not found")
    body = call.body()
    shortcode = world.apps.shortcode_of(read_text(body, "ShortCode", pattern=SHORTCODE))
    command = read_choice(body, "CommandID", choices=_COMMANDS)
    amount, msisdn = read_amount(body), read_text(body, "Msisdn", pattern=MSISDN)
    if shortcode is None or shortcode.transaction_type != command:
        raise FieldRefused("ShortCode")
    reference = read_optional_text(body, "BillRefNumber")
    wish = ByHand(msisdn=msisdn, shortcode=shortcode, amount=amount, reference=reference)

    async def pay() -> None:
        attempt = await world.c2b.attempt(wish)
        if attempt.movement:
            await world.c2b.confirm(attempt.movement, shortcode, third_party_id=attempt.third_party_id)

    world.clock.keep(asyncio.ensure_future(pay()))
    return _accepted(world, "Accept the service request successfully.")


def _version(call: Call) -> str:
    """Read the version of the path called, and refuse one the app does not have."""
    found = _VERSION.search(call.request.url.path)
    assert found, "only versioned paths lead here"
    if call.world.settings.c2b_version not in {None, found[1]}:
        raise Refused(401, "401.003.01", text="Error Occurred - Invalid API call as no apiproduct match found")
    return found[1]


def _registering(world: World, body: Mapping[str, Any]) -> ShortCode:
    number = read_text(body, "ShortCode", pattern=SHORTCODE)
    shortcode = world.apps.shortcode_of(number)
    # The sandbox's STK paybill belongs to everybody, so that nobody may register it.
    if shortcode is None or number == SANDBOX_SHORTCODE:
        raise FieldRefused("ShortCode")
    return shortcode


def _url(world: World, body: Mapping[str, Any], name: str) -> str:
    try:
        return read_url(body, name, production_mode=world.settings.production_mode)
    except FieldRefused:
        url = read_optional_text(body, name)
        word = forbidden_word(url) if ANYTHING.fullmatch(url) else None
        why = f" - URL has the word {word.upper()}" if word else ""
        raise Refused(400, "400.003.02", text=f"Bad Request - Invalid {name}{why}") from None


def _accepted(world: World, description: str) -> dict[str, Any]:
    return {
        "OriginatorCoversationID": world.dice.request_id(),
        "ResponseCode": "0",
        "ResponseDescription": description,
    }
