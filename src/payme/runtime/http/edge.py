"""What all requests of one application share: database, authenticator, limits, cursors, and whether traffic is welcome."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from payme.runtime.events.maintenance import Notice, stricter
from payme.runtime.http.cursors import Cursors
from payme.runtime.http.errors import RateLimited
from payme.runtime.http.rate_limits import RateLimiter, Spent, client_address, is_trusted

if TYPE_CHECKING:
    import asyncio
    from uuid import UUID

    from starlette.types import Scope

    from payme.runtime.database import Database
    from payme.runtime.events.broadcaster import Broadcaster
    from payme.runtime.http.access import Authenticator, CsrfGuard
    from payme.runtime.http.idempotency import Flights
    from payme.runtime.http.options import HttpOptions, Maintenance

RETRY_SECONDS: Final = 30
LONGEST_RETRY_SECONDS: Final = 300
Check = Callable[[], Awaitable[bool]]


@dataclass(slots=True)
class Edge:
    """The edge of one application; it stands on `app.state.edge`."""

    options: HttpOptions
    database: Database
    authenticator: Authenticator
    csrf: CsrfGuard
    limiter: RateLimiter
    broadcaster: Broadcaster
    database_check: Check
    checks: Mapping[str, Check] = field(default_factory=dict[str, Check])
    cursors: Cursors = field(init=False)
    notice: Notice = field(default_factory=Notice)
    """What the database says of maintenance; the settings may say something stricter."""
    maintenance: Maintenance = field(init=False)
    draining: bool = False
    description: bytes = b""
    flights: Flights = field(default_factory=dict[tuple["UUID", str, str], "asyncio.Event"])
    started_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.cursors = Cursors(self.options.secret, self.options.secret_previous)
        self.hear(self.notice)

    def hear(self, notice: Notice) -> None:
        """Take a notice in; the mode that holds here is the stricter of the settings' and the database's."""
        self.notice = notice
        self.maintenance = stricter(self.options.maintenance, notice.mode)

    def maintenance_seconds(self) -> int:
        """Return after how many seconds a caller shall come again."""
        if self.notice.until is None:
            return RETRY_SECONDS
        left = (self.notice.until - self.database.clock.now()).total_seconds()
        return min(max(int(left), 1), LONGEST_RETRY_SECONDS)

    def drain(self) -> None:
        """Take no new traffic and let open streams end; for the signal handler, before the server waits for them."""
        self.draining = True
        self.broadcaster.wake_all()

    def uptime_seconds(self) -> int:
        """Return how long the application has been up."""
        return int(time.monotonic() - self.started_at)

    def pool_numbers(self) -> dict[str, int]:
        """Return how many connections there are and how many of them wait for work."""
        if not self.database.is_open:
            return {"connections": 0, "idle": 0}
        return {"connections": self.database.pool.get_size(), "idle": self.database.pool.get_idle_size()}

    def is_passed_on(self, scope: Scope) -> bool:
        """Say whether the request came through a proxy that nobody configured, so that its real sender is not known."""
        client = scope.get("client")
        forwarded = any(name == b"x-forwarded-for" for name, _ in scope["headers"])
        return forwarded and (client is None or not is_trusted(client[0], self.limiter.trusted))

    def client_address(self, scope: Scope) -> str:
        """Return the address of the caller, looking through the configured proxies only."""
        return client_address(scope, self.limiter.trusted)

    async def check_budget(self, budget: str, key: str) -> None:
        """Refuse where a budget is used up, without counting a use. Raises: RateLimited."""
        spent = await self.limiter.spend(budget, key, uses=0)
        if spent is not None and spent.used >= spent.limit:
            raise RateLimited(retry_after_seconds=max(1, spent.reset_seconds), budget=budget)

    async def spend(self, budget: str, key: str, *, scope: Scope) -> Spent | None:
        """Count one use of a budget; what is left goes into the answer's headers. Raises: RateLimited."""
        spent = await self.limiter.spend(budget, key)
        if spent is not None:
            scope["payme.spent"] = spent
            spent.check()
        return spent
