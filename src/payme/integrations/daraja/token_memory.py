"""A TokenStore in the memory of one process, for tools, tests and the probe of new credentials.

Not for a deployment: two processes with two of these would keep ending each other's token.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from payme.integrations.daraja.tokens import Token
from payme.kit.time import Clock


@dataclass(frozen=True, slots=True)
class _Lease:
    holder: str
    ends_at: datetime


class MemoryTokenStore:
    """Tokens and leases in dictionaries; the event loop makes each method atomic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[str, Token] = {}
        self._leases: dict[str, _Lease] = {}
        self._changed = asyncio.Condition()

    async def find_token(self, app_id: str) -> Token | None:
        """Return the token kept last, fresh or not."""
        return self._tokens.get(app_id)

    async def try_lease(self, app_id: str, *, holder: str, seconds: int) -> bool:
        """Give the right to renew to one holder until released or `seconds` have passed."""
        if self._holder(app_id) not in {None, holder}:
            return False
        self._leases[app_id] = _Lease(holder, self._clock.now() + timedelta(seconds=seconds))
        return True

    async def store_token(self, app_id: str, token: Token, *, holder: str) -> bool:
        """Keep a token if the holder still has the lease."""
        if self._holder(app_id) != holder:
            return False
        self._tokens[app_id] = token
        await self._tell()
        return True

    async def release_lease(self, app_id: str, *, holder: str) -> None:
        """End the holder's lease."""
        if self._holder(app_id) == holder:
            del self._leases[app_id]
        await self._tell()

    async def wait_for_change(self, app_id: str, *, seconds: float) -> None:
        """Return when something changed, at the latest after `seconds`."""
        del app_id
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait()
        except TimeoutError:
            return

    def _holder(self, app_id: str) -> str | None:
        lease = self._leases.get(app_id)
        return lease.holder if lease and self._clock.now() < lease.ends_at else None

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
