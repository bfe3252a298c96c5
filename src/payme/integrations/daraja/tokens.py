"""The shared OAuth token: one for each app, for all processes, because a new token ends the old one.

`TokenStore` is the port that keeps it; `TokenSource` decides when to use, to wait and to renew. Renewal is single
flight: in a process by a lock, between processes by a lease that expires by itself when its holder dies. The network is
called while a lease is held, never inside a transaction.
Source: Daraja portal, Authorization.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid4

from payme.integrations.daraja.errors import DarajaRefused, DarajaUnavailable
from payme.kit.time import Clock

WAIT_STEP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Token:
    """An access token with the instants, aware UTC, between which Safaricom takes it."""

    access_token: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime

    def is_fresh(self, now: datetime, *, renew_early_seconds: int) -> bool:
        """Say whether it may be used; it is renewed early, a short-lived one after half its life."""
        early = min(timedelta(seconds=renew_early_seconds), (self.expires_at - self.issued_at) / 2)
        return now < self.expires_at - early


class TokenStore(Protocol):
    """Where all processes of a deployment keep one token for each app. Each method is one short transaction.

    The token is a secret: store it encrypted.
    """

    async def find_token(self, app_id: str) -> Token | None:
        """Return the token kept last, fresh or not."""
        ...

    async def try_lease(self, app_id: str, *, holder: str, seconds: int) -> bool:
        """Give the right to renew to one holder until released or `seconds` have passed; never wait.

        A holder may take its own lease again.
        """
        ...

    async def store_token(self, app_id: str, token: Token, *, holder: str) -> bool:
        """Keep a token if the holder still has the lease; return False and keep the old one if not."""
        ...

    async def release_lease(self, app_id: str, *, holder: str) -> None:
        """End the holder's lease; nothing happens if it is somebody else's by now."""
        ...

    async def wait_for_change(self, app_id: str, *, seconds: float) -> None:
        """Return when a token or lease may have changed, at the latest after `seconds`; polling will do."""
        ...


@dataclass(frozen=True, slots=True)
class RenewalRules:
    """How early a token is renewed, and how long one process may hold the lease: longer than minting can take."""

    renew_early_seconds: int = 180
    lease_seconds: int = 45


class TokenSource:
    """The token of one app, for the calls of one process."""

    def __init__(
        self,
        store: TokenStore,
        mint: Callable[[], Awaitable[Token]],
        *,
        app_id: str,
        clock: Clock,
        rules: RenewalRules | None = None,
    ) -> None:
        self._store = store
        self._mint = mint
        self._app_id = app_id
        self._clock = clock
        self._rules = rules or RenewalRules()
        # One name for life: a lease that could not be given back, as the store was away, is this source's to use again.
        self._holder = uuid4().hex
        self._lock = asyncio.Lock()
        self._failures = 0
        self._last_failure: DarajaRefused | DarajaUnavailable | None = None

    async def current(self) -> Token:
        """Return a token that should be taken, minting one if there is none.

        Raises: DarajaRefused, DarajaUnavailable.
        """
        return await self._usable(rejected=None) or await self._renewed(rejected=None)

    async def after_rejection(self, rejected: Token) -> Token:
        """Return another token than the rejected one: the shared one if somebody renewed it already, else a new one.

        Raises: DarajaRefused, DarajaUnavailable.
        """
        return await self._usable(rejected=rejected) or await self._renewed(rejected=rejected)

    async def _usable(self, *, rejected: Token | None) -> Token | None:
        token = await self._store.find_token(self._app_id)
        if token is None or (rejected is not None and token.access_token == rejected.access_token):
            return None
        fresh = token.is_fresh(self._clock.now(), renew_early_seconds=self._rules.renew_early_seconds)
        return token if fresh else None

    async def _renewed(self, *, rejected: Token | None) -> Token:
        """Renew, one caller at a time.

        Whoever queued while a renewal failed shares its failure: an outage costs one round of attempts, not one a call.
        """
        failures = self._failures
        async with self._lock:
            if self._failures != failures and self._last_failure is not None:
                raise self._last_failure
            try:
                return await self._timed_renewal(rejected=rejected)
            except (DarajaRefused, DarajaUnavailable) as fault:
                self._failures, self._last_failure = self._failures + 1, fault
                raise

    async def _timed_renewal(self, *, rejected: Token | None) -> Token:
        try:
            async with asyncio.timeout(self._rules.lease_seconds):
                return await self._leased_renewal(rejected=rejected)
        except TimeoutError as fault:
            raise DarajaUnavailable("daraja.token_wait", cause="a renewal elsewhere does not finish") from fault

    async def _leased_renewal(self, *, rejected: Token | None) -> Token:
        holder = self._holder
        while True:
            if token := await self._usable(rejected=rejected):
                return token
            if await self._store.try_lease(self._app_id, holder=holder, seconds=self._rules.lease_seconds):
                try:
                    token = await self._usable(rejected=rejected) or await self._minted(holder)
                finally:
                    await self._store.release_lease(self._app_id, holder=holder)
                if token is not None:
                    return token
            else:
                await self._store.wait_for_change(self._app_id, seconds=WAIT_STEP_SECONDS)

    async def _minted(self, holder: str) -> Token | None:
        """Return a new token, or None where the lease ran out meanwhile and somebody else's token counts."""
        token = await self._mint()
        return token if await self._store.store_token(self._app_id, token, holder=holder) else None
