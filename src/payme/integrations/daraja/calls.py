"""How one app makes any call: with the shared token, within its time, and once more only where nothing happened.

A call is sent a second time in two cases: the gateway rejected the token, so nothing was done; or, for a call that
changes nothing, the connection failed before anything was sent. All other repetition belongs to the caller's schedule.
What is said and what an answer means stands with each product.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from payme.integrations.daraja import metrics
from payme.integrations.daraja.answers import Answer, Verdict
from payme.integrations.daraja.breaker import Breaker, BreakerRules, product_of
from payme.integrations.daraja.credentials import AppCredentials
from payme.integrations.daraja.errors import DarajaRefused, DarajaUnavailable, DarajaUnknown, InvalidRequest
from payme.integrations.daraja.oauth import ATTEMPTS, Minter
from payme.integrations.daraja.tokens import RenewalRules, TokenSource, TokenStore
from payme.integrations.daraja.transport import Limits, Timeouts, exchange
from payme.kit.time import Clock

Body = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """`is_production` is set on its own, never guessed from the address; it makes https and public callbacks a must."""

    is_production: bool = False
    timeouts: Timeouts = field(default_factory=Timeouts)
    renewal: RenewalRules = field(default_factory=RenewalRules)
    breaker: Breaker = field(default_factory=lambda: Breaker(BreakerRules(failures=0)))


class CallingApp:
    """Makes calls as one app. It holds no state but that of its token's renewal; the token lives in the store.

    Raises: InvalidRequest where production is asked for without https.
    """

    def __init__(
        self,
        http: httpx2.AsyncClient,
        base_url: str,
        *,
        app: AppCredentials,
        token_store: TokenStore,
        clock: Clock,
        options: ClientOptions | None = None,
    ) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._options = options or ClientOptions()
        if self._options.is_production and not base_url.startswith("https://"):
            raise InvalidRequest(field="base_url", rule="https in production")
        timeouts, renewal = self._options.timeouts, self._options.renewal
        assert renewal.lease_seconds > ATTEMPTS * timeouts.oauth_seconds, "a lease outlives the minting of a token"
        minter = Minter(http, self._base_url, app=app, clock=clock, timeouts=timeouts)
        self._push_limits = Limits(timeouts.push_seconds, timeouts.connect_seconds)
        self._query_limits = Limits(timeouts.query_seconds, timeouts.connect_seconds)
        self._tokens = TokenSource(token_store, minter.mint, app_id=app.app_id, clock=clock, rules=renewal)

    async def _call_again_if_unsent(self, path: str, body: Body, *, limits: Limits) -> Answer:
        try:
            return await self._call(path, body, limits=limits)
        except DarajaUnavailable as fault:
            if fault.code != "daraja.unreachable":
                raise
            return await self._call(path, body, limits=limits)

    async def _call(self, path: str, body: Body, *, limits: Limits) -> Answer:
        """Make one call, and once more with another token if the gateway rejected the first.

        Raises: DarajaUnavailable (`daraja.resting`) while the product is left alone.
        """
        breaker, product = self._options.breaker, product_of(path)
        breaker.admit(product, self._clock.now())
        began = time.perf_counter()
        try:
            answer = await self._call_with_token(path, body, limits=limits)
        except (DarajaUnavailable, DarajaUnknown) as fault:
            metrics.failed(product, fault, seconds=time.perf_counter() - began)
            await breaker.missed(product, self._clock.now())
            raise
        except DarajaRefused as fault:
            metrics.failed(product, fault, seconds=time.perf_counter() - began)
            raise
        metrics.answered(product, answer, seconds=time.perf_counter() - began)
        if answer.is_from_mpesa:
            await breaker.heard(product)
        else:
            await breaker.missed(product, self._clock.now())
        return answer

    async def _call_with_token(self, path: str, body: Body, *, limits: Limits) -> Answer:
        token = await self._tokens.current()
        answer = await self._post(path, body, access_token=token.access_token, limits=limits)
        if answer.is_accepted or answer.verdict is not Verdict.TOKEN_REJECTED:
            return answer
        token = await self._tokens.after_rejection(token)
        return await self._post(path, body, access_token=token.access_token, limits=limits)

    async def _post(self, path: str, body: Body, *, access_token: str, limits: Limits) -> Answer:
        request = self._http.build_request(
            "POST",
            f"{self._base_url}{path}",
            content=json.dumps(dict(body)).encode(),
            headers={"Authorization": f"Bearer {access_token}", "Content-Type": "application/json"},
        )
        return await exchange(self._http, request, limits=limits)
