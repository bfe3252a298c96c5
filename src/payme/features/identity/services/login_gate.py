"""The gate in front of passwords: a handful of failures closes an account for a while, many from one address slow it down.

An address is never locked out, because a carrier puts thousands of people behind one. A try is counted before the password is
looked at and given back when it was right, so that tries at the same moment do not all slip through.
"""

import asyncio
import time
from dataclasses import dataclass, field
from math import ceil

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string

from payme.runtime.http.errors import RateLimited

_ACCOUNT = "login_account"
_ADDRESS = "login_address"
_REDIS_SECONDS = 1


class TooManyFailures(RateLimited):
    """Too many wrong passwords; wait before you try again."""

    code = "auth.too_many_failures"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOptions:
    """How many failures in how many seconds, and how long an address beyond its number waits for each answer."""

    failures: int = 5
    failures_per_address: int = 100
    window_seconds: int = 900
    delay_seconds: int = 2


@dataclass(slots=True)
class LoginGate:
    """Counts failures by account and by address, in `storage`; when that does not answer, in this process.

    The storage must wrap its errors (`wrap_exceptions`), for that is how its silence is told from a mistake of ours.
    """

    options: GateOptions = field(default_factory=GateOptions)
    storage: Storage = field(default_factory=MemoryStorage)
    _fallback: Storage = field(default_factory=MemoryStorage)

    @classmethod
    def shared(cls, options: GateOptions, redis_url: str) -> "LoginGate":
        """Return a gate that several processes share; when Redis is away, each counts for itself."""
        uri = redis_url if redis_url.startswith("async+") else f"async+{redis_url}"
        storage = storage_from_string(
            uri,
            wrap_exceptions=True,
            implementation="redispy",
            socket_connect_timeout=_REDIS_SECONDS,
            socket_timeout=_REDIS_SECONDS,
        )
        assert isinstance(storage, Storage), "an asynchronous address gives an asynchronous storage"
        return cls(options, storage)

    async def enter(self, account: str, address: str) -> None:
        """Count a try for an account, given as an opaque name. Raises: TooManyFailures."""
        item = self._item(self.options.failures)
        for storage in (self.storage, self._fallback):
            limiter = MovingWindowRateLimiter(storage)
            try:
                entered = await limiter.hit(item, _ACCOUNT, account)
                window = None if entered else await limiter.get_window_stats(item, _ACCOUNT, account)
            except StorageError:
                continue
            if window is not None:
                raise TooManyFailures(retry_after_seconds=max(1, ceil(window.reset_time - time.time())))
            break
        if await self._is_crowded(address):
            await asyncio.sleep(self.options.delay_seconds)

    async def succeeded(self, account: str) -> None:
        """Give back the tries of an account whose password was right."""
        for storage in (self.storage, self._fallback):
            try:
                await MovingWindowRateLimiter(storage).clear(self._item(self.options.failures), _ACCOUNT, account)
            except StorageError:
                continue

    async def failed(self, address: str) -> None:
        """Count a failure from an address."""
        item = self._item(self.options.failures_per_address)
        for storage in (self.storage, self._fallback):
            try:
                await MovingWindowRateLimiter(storage).hit(item, _ADDRESS, address)
            except StorageError:
                continue
            return

    async def _is_crowded(self, address: str) -> bool:
        item = self._item(self.options.failures_per_address)
        for storage in (self.storage, self._fallback):
            try:
                return not await MovingWindowRateLimiter(storage).test(item, _ADDRESS, address)
            except StorageError:
                continue
        return True

    def _item(self, amount: int) -> RateLimitItem:
        return RateLimitItemPerSecond(amount, self.options.window_seconds)
