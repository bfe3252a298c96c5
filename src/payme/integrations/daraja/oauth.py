"""Minting an access token: one GET, read by its content.

A mint is never unknown for the payment behind it: nothing has been sent to any customer yet. It may be repeated, at most
twice and with jitter, unless Safaricom said no or asked us to slow down.
Source: Daraja portal, Authorization; expires_in is a string on the wire, and bad credentials get an empty 400.
"""

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation

import httpx2
import stamina

from payme.integrations.daraja.answers import Answer, Verdict
from payme.integrations.daraja.credentials import AppCredentials
from payme.integrations.daraja.errors import DarajaRefused, DarajaUnavailable, DarajaUnknown
from payme.integrations.daraja.outcomes import refused, throttled
from payme.integrations.daraja.result_codes import Reason
from payme.integrations.daraja.tokens import Token
from payme.integrations.daraja.transport import Limits, Timeouts, exchange
from payme.kit.time import Clock

PATH = "/oauth/v1/generate"
ATTEMPTS = 3
BAD_REQUEST = 400
SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS, GUESSED_LIFE_SECONDS = 1, 86_400, 600
LONGEST_TOKEN = 2048
_ACCESS_TOKEN = re.compile(rf"[\x21-\x7e]{{8,{LONGEST_TOKEN}}}")


class Minter:
    """Asks Safaricom for tokens of one app."""

    def __init__(
        self, http: httpx2.AsyncClient, base_url: str, *, app: AppCredentials, clock: Clock, timeouts: Timeouts
    ) -> None:
        self._http = http
        self._url = f"{base_url}{PATH}"
        self._app = app
        self._clock = clock
        self._limits = Limits(timeouts.oauth_seconds, timeouts.connect_seconds)

    async def mint(self) -> Token:
        """Return a new token; the app's old one stops working.

        Raises: DarajaRefused (`daraja.credentials_refused`), DarajaUnavailable.
        """
        async for attempt in stamina.retry_context(
            on=_may_try_again, attempts=ATTEMPTS, timeout=None, wait_initial=0.2, wait_max=1.0, wait_jitter=0.3
        ):
            with attempt:
                return await self._mint_once()
        raise AssertionError("the last attempt raises")

    async def _mint_once(self) -> Token:
        issued_at = self._clock.now()
        request = self._http.build_request(
            "GET",
            self._url,
            params={"grant_type": "client_credentials"},
            headers={"Authorization": self._app.basic_authorization()},
        )
        try:
            answer = await exchange(self._http, request, limits=self._limits)
        except DarajaUnknown as fault:
            raise DarajaUnavailable("daraja.no_token", cause=fault.code) from fault
        access_token = answer.text("access_token", longest=LONGEST_TOKEN + 1)
        if _ACCESS_TOKEN.fullmatch(access_token) is None:
            raise _no_token(answer)
        life = timedelta(seconds=life_seconds(answer.text("expires_in")))
        return Token(access_token, issued_at, issued_at + life)


def life_seconds(text: str) -> int:
    """Return a token's life out of `expires_in`; an unreadable one is taken as ten minutes, a wild one is bounded."""
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        return GUESSED_LIFE_SECONDS
    if not seconds.is_finite():
        return GUESSED_LIFE_SECONDS
    return int(min(max(seconds, SHORTEST_LIFE_SECONDS), LONGEST_LIFE_SECONDS))


def _no_token(answer: Answer) -> DarajaRefused | DarajaUnavailable:
    """Return why an answer held no token. An empty 400 is how wrong credentials look, also a sandbox key in production."""
    if answer.is_blank and answer.status == BAD_REQUEST:
        return DarajaRefused("daraja.credentials_refused", reason=Reason.CONFIG)
    if answer.verdict in {Verdict.REFUSED, Verdict.TOKEN_REJECTED}:
        return refused("daraja.credentials_refused", answer)
    if answer.verdict is Verdict.THROTTLED:
        return throttled(answer)
    return DarajaUnavailable("daraja.no_token", status=answer.status, error_code=answer.error_code)


def _may_try_again(fault: Exception) -> bool:
    return isinstance(fault, DarajaUnavailable) and fault.retry_after_seconds is None
