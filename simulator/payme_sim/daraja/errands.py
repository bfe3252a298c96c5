"""What the requests of all operators have in common: who asks, in whose name, and where the result goes.

Lives here: those fields, and the acceptance. Does not live here: what a product is asked for.
Invariant: accepting says nothing about the credential; that shows in the result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from payme_sim.apps import ShortCode
from payme_sim.daraja.fields import ANYTHING, SHORTCODE, FieldRefused, read_text, read_url
from payme_sim.gateway import Call, Refused
from payme_sim.operations import DuplicateId, Errand
from payme_sim.world import World

_REMARKS = re.compile(r".{2,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The common fields of a request."""

    shortcode: ShortCode
    initiator: str
    credential: str
    result_url: str
    timeout_url: str


def read_asking(
    world: World, body: Mapping[str, Any], *, initiator: str = "Initiator", party: str = "PartyA"
) -> Asking:
    """Read operator, short code and URLs; `initiator` and `party` are what the product calls them.

    Raises: FieldRefused.
    """
    production_mode = world.settings.production_mode
    asking = Asking(
        initiator=read_text(body, initiator, pattern=ANYTHING),
        credential=read_text(body, "SecurityCredential", pattern=ANYTHING),
        shortcode=read_shortcode(world, body, party),
        timeout_url=read_url(body, "QueueTimeOutURL", production_mode=production_mode),
        result_url=read_url(body, "ResultURL", production_mode=production_mode),
    )
    read_text(body, "Remarks", pattern=_REMARKS)
    return asking


def read_shortcode(world: World, body: Mapping[str, Any], name: str) -> ShortCode:
    """Read a short code that exists, by its own number or its till's.

    Raises: FieldRefused.
    """
    shortcode = world.apps.shortcode_of(read_text(body, name, pattern=SHORTCODE))
    if shortcode is None:
        raise FieldRefused(name)
    return shortcode


async def accept(call: Call, errand: Errand) -> dict[str, Any]:
    """Accept an errand.

    Raises: Refused where the caller's id was used before.
    """
    try:
        operation = await call.world.operations.accept(errand)
    except DuplicateId:
        raise Refused(500, "500.002.1001", text="Duplicate OriginatorConversationID.") from None
    call.entry["conversation_id"] = operation.conversation_id
    return {
        "ConversationID": operation.conversation_id,
        "OriginatorConversationID": operation.originator_conversation_id,
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }
