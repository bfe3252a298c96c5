"""The client of one Daraja app: push a prompt, ask about a prompt.

A push is sent once. It is sent a second time in one case only: the gateway rejected the token, so nothing happened. A
query is a read; it is sent a second time when the connection failed before anything was sent. All other repetition
belongs to the caller's schedule.
"""

import json
from dataclasses import dataclass, field

import httpx2

from payme.integrations.daraja.answers import Answer, Verdict
from payme.integrations.daraja.callback_urls import require_callback_url
from payme.integrations.daraja.credentials import AppCredentials
from payme.integrations.daraja.errors import DarajaRefused, DarajaUnavailable, DarajaUnknown, InvalidRequest
from payme.integrations.daraja.oauth import ATTEMPTS, Minter
from payme.integrations.daraja.outcomes import QueryNote, StkAccepted, StkQueryResult, judge_push, judge_query
from payme.integrations.daraja.requests import StkPush, StkQuery
from payme.integrations.daraja.result_codes import Standing
from payme.integrations.daraja.tokens import RenewalRules, TokenSource, TokenStore
from payme.integrations.daraja.transport import Limits, Timeouts, exchange
from payme.kit.time import Clock

PUSH_PATH = "/mpesa/stkpush/v1/processrequest"
QUERY_PATH = "/mpesa/stkpushquery/v1/query"


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """`is_production` is set on its own, never guessed from the address; it makes https and public callbacks a must."""

    is_production: bool = False
    timeouts: Timeouts = field(default_factory=Timeouts)
    renewal: RenewalRules = field(default_factory=RenewalRules)


class DarajaClient:
    """Calls Daraja as one app; keep one client for each app in a process, so that its calls share one renewal.

    It holds no state but that; the token lives in the store.

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

    async def stk_push(self, push: StkPush) -> StkAccepted:
        """Ask a customer's phone for money and return the ids of the prompt; no money has moved yet.

        Raises: InvalidCallbackUrl; DarajaUnavailable (nothing was sent), DarajaRefused (refused, no prompt),
        DarajaUnknown (there may be a prompt: never push again, ask or wait for evidence).
        """
        require_callback_url(push.callback_url, production=self._options.is_production)
        body = push.body(self._clock.now())
        return judge_push(await self._call(PUSH_PATH, body, limits=self._push_limits))

    async def stk_query(self, query: StkQuery) -> StkQueryResult:
        """Ask what became of a prompt; every trouble on the way is an UNKNOWN result with a note, not an exception."""
        body = query.body(self._clock.now())
        try:
            answer = await self._call_again_if_unsent(QUERY_PATH, body, limits=self._query_limits)
        except DarajaUnavailable as fault:
            note = QueryNote.THROTTLED if fault.retry_after_seconds is not None else QueryNote.NOT_SENT
            return StkQueryResult(Standing.UNKNOWN, note, retry_after_seconds=fault.retry_after_seconds)
        except DarajaUnknown as fault:
            return StkQueryResult(Standing.UNKNOWN, QueryNote.NO_ANSWER, text=fault.code)
        except DarajaRefused as fault:
            return StkQueryResult(Standing.UNKNOWN, QueryNote.CREDENTIALS_REFUSED, text=fault.text)
        return judge_query(answer, query.checkout_request_id)

    async def probe(self) -> None:
        """Prove the app's key and secret by using or minting its token.

        Raises: DarajaRefused (`daraja.credentials_refused`), DarajaUnavailable.
        """
        await self._tokens.current()

    async def _call_again_if_unsent(self, path: str, body: dict[str, str | int], *, limits: Limits) -> Answer:
        try:
            return await self._call(path, body, limits=limits)
        except DarajaUnavailable as fault:
            if fault.code != "daraja.unreachable":
                raise
            return await self._call(path, body, limits=limits)

    async def _call(self, path: str, body: dict[str, str | int], *, limits: Limits) -> Answer:
        """Make one call, and once more with another token if the gateway rejected the first."""
        token = await self._tokens.current()
        answer = await self._post(path, body, access_token=token.access_token, limits=limits)
        if answer.is_accepted or answer.verdict is not Verdict.TOKEN_REJECTED:
            return answer
        token = await self._tokens.after_rejection(token)
        return await self._post(path, body, access_token=token.access_token, limits=limits)

    async def _post(self, path: str, body: dict[str, str | int], *, access_token: str, limits: Limits) -> Answer:
        request = self._http.build_request(
            "POST",
            f"{self._base_url}{path}",
            content=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {access_token}", "Content-Type": "application/json"},
        )
        return await exchange(self._http, request, limits=limits)
