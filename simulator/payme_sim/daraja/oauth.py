"""Access tokens: `GET /oauth/v1/generate`.

Lives here: checking the key pair and the grant type. Does not live here: how tokens live and die.
Invariant: bad credentials get HTTP 400 with nothing in it, as on the wire.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from payme_sim.apps import TOKEN_SECONDS
from payme_sim.gateway import Call, Refused


async def generate_token(call: Call) -> dict[str, Any]:
    """Give an app a token; `expires_in` is a string unless the settings say otherwise."""
    if call.request.query_params.get("grant_type") != "client_credentials":
        raise Refused(400, "400.008.02", text="Invalid grant type passed")
    key, secret = _key_pair(call.request.headers.get("authorization", ""))
    app = call.world.apps.app_with(key, secret)
    if app is None:
        raise Refused(400, "", text="")
    settings = call.world.settings
    token = call.world.apps.issue_token(app, kill_older=settings.new_token_kills_old)
    expires_in = TOKEN_SECONDS if settings.expires_in_as_number else str(TOKEN_SECONDS)
    return {"access_token": token, "expires_in": expires_in}


def _key_pair(header: str) -> tuple[str, str]:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        raise Refused(400, "400.008.01", text="Invalid Authentication passed")
    try:
        key, _, secret = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return (key, secret)
