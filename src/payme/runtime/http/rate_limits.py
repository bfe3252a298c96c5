"""Rate limits: named budgets in fixed windows that begin with the first use, counted exactly under any parallelism.

In Redis when there is one, else in this process. When Redis fails, the process counts by itself until it answers again: a
limit may then be reached later, but never switched off, and nobody gets an error for it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from math import ceil
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.storage import storage_from_string
from prometheus_client import Counter
from redis.asyncio import BlockingConnectionPool

from payme.kit.values import value
from payme.runtime.http.errors import RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import Scope

_log = structlog.get_logger("payme.http")
_FALLBACKS = Counter("payme_rate_limit_fallbacks_total", "Uses counted in the process because Redis did not answer")
_SWEEP_SECONDS: Final = 30.0
_REDIS_SECONDS: Final = 1.0
_REDIS_CONNECTIONS: Final = 8
_REDIS_PAUSE_SECONDS: Final = 5.0
Networks = tuple["ipaddress.IPv4Network | ipaddress.IPv6Network", ...]


@value
class Spent:
    """The state of a budget after one use."""

    budget: str
    limit: int
    window_seconds: int
    used: int
    reset_seconds: int

    @property
    def remaining(self) -> int:
        """How many uses are left in this window."""
        return max(0, self.limit - self.used)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of draft-ietf-httpapi-ratelimit-headers."""
        policy = f'"{self.budget}";q={self.limit};w={self.window_seconds}'
        left = f'"{self.budget}";r={self.remaining};t={self.reset_seconds}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]

    def check(self) -> None:
        """Refuse when the budget was used up before. Raises: RateLimited."""
        if self.used > self.limit:
            raise RateLimited(retry_after_seconds=max(1, self.reset_seconds), budget=self.budget)


class ProcessCounters(Storage):
    """Fixed windows counted in this process.

    The library's own memory storage starts a sweep over all keys with every use; this one sweeps twice a minute.
    """

    STORAGE_SCHEME = ["payme+process"]  # noqa: RUF012 -- the library declares it as a plain list

    def __init__(self, uri: str | None = None, *, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._windows: dict[str, tuple[int, float]] = {}
        self._next_sweep = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """The errors that the storage itself raises: none of its own."""
        return ValueError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count and return the uses in the present window; no await inside, so no two uses can meet."""
        now = time.monotonic()
        if now >= self._next_sweep:
            self._sweep(now)
        count, ends = self._windows.get(key, (0, 0.0))
        if ends <= now:
            count, ends = 0, now + expiry
        self._windows[key] = (count + amount, ends)
        return count + amount

    async def get(self, key: str) -> int:
        """Return the uses in the present window."""
        count, ends = self._windows.get(key, (0, 0.0))
        return count if ends > time.monotonic() else 0

    async def get_expiry(self, key: str) -> float:
        """Return when the present window ends, as seconds since the epoch."""
        _, ends = self._windows.get(key, (0, 0.0))
        return time.time() + max(0.0, ends - time.monotonic())

    async def check(self) -> bool:
        """Say that the storage answers."""
        return True

    async def reset(self) -> int | None:
        """Forget everything; return how many windows there were."""
        count = len(self._windows)
        self._windows.clear()
        return count

    async def clear(self, key: str) -> None:
        """Forget one window."""
        self._windows.pop(key, None)

    def _sweep(self, now: float) -> None:
        self._next_sweep = now + _SWEEP_SECONDS
        self._windows = {key: window for key, window in self._windows.items() if window[1] > now}


class RateLimiter:
    """Counts uses of named budgets, each written as `count/unit`."""

    def __init__(
        self, budgets: Mapping[str, str], *, redis_url: str | None = None, trusted_proxies: Sequence[str] = ()
    ) -> None:
        self._items: dict[str, RateLimitItem] = {name: parse(text) for name, text in budgets.items()}
        self._local = ProcessCounters()
        self._pool = _redis_pool(redis_url) if redis_url else None
        self._shared = _redis_storage(redis_url, self._pool) if redis_url else None
        self._shared_again_at = 0.0
        self.fallbacks = 0
        self.trusted: Networks = tuple(ipaddress.ip_network(each, strict=False) for each in trusted_proxies)

    async def spend(self, budget: str, key: str, *, uses: int = 1) -> Spent | None:
        """Count a use, or none, and return where the budget stands; a budget that is not configured has no limit."""
        item = self._items.get(budget)
        if item is None:
            return None
        name, window = item.key_for(budget, key), item.get_expiry()
        used, ends = await self._count(name, window, uses=uses)
        return Spent(budget, item.amount, window, used, max(0, ceil(ends - time.time())))

    async def close(self) -> None:
        """Hang up on Redis."""
        if self._pool is not None:
            await self._pool.disconnect()

    async def _count(self, name: str, window: int, *, uses: int) -> tuple[int, float]:
        if self._shared is not None and time.monotonic() >= self._shared_again_at:
            try:
                async with asyncio.timeout(_REDIS_SECONDS):
                    used = await self._shared.incr(name, window, uses)
                    return used, await self._shared.get_expiry(name)
            except Exception as error:
                if time.monotonic() >= self._shared_again_at:
                    _log.warning("rate_limits.redis_failed", error=type(error).__name__)
                self._shared_again_at = time.monotonic() + _REDIS_PAUSE_SECONDS
        if self._shared is not None:
            self.fallbacks += 1
            _FALLBACKS.inc()
        used = await self._local.incr(name, window, uses)
        return used, await self._local.get_expiry(name)


def client_address(scope: Scope, trusted: Networks) -> str:
    """Return the caller's address: the peer, or the last hop in X-Forwarded-For that is no proxy of ours.

    The header is read only when the peer itself is a configured proxy, from the right, because everything further left was
    written by somebody we do not know.
    """
    client = scope.get("client")
    peer = client[0] if client else "unknown"
    if not trusted or not is_trusted(peer, trusted):
        return peer
    hops = [
        hop.strip()
        for name, value in scope["headers"]
        if name == b"x-forwarded-for"
        for hop in value.decode("latin-1").split(",")
    ]
    for hop in reversed(hops):
        if not _is_address(hop):
            return peer
        if not is_trusted(hop, trusted):
            return hop
        peer = hop
    return peer


def _redis_pool(url: str) -> Any:
    make = cast("Callable[..., Any]", BlockingConnectionPool.from_url)  # pyright: ignore[reportUnknownMemberType] -- untyped options
    # Waiting for a connection is part of what `_REDIS_SECONDS` bounds, and needs no bound of its own.
    return make(url.removeprefix("async+"), max_connections=_REDIS_CONNECTIONS, timeout=None)


def _redis_storage(url: str, pool: Any) -> Any:
    """Return the library's storage over a pool of our size; its own would open a connection for every parallel use."""
    return storage_from_string(
        url if url.startswith("async+") else f"async+{url}", implementation="redispy", connection_pool=pool
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_trusted(address: str, trusted: Networks) -> bool:
    """Say whether an address is one of our proxies; what is no address is none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)
