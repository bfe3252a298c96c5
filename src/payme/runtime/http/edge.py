"""What all requests of one application share: database, authenticator, limits, cursors, and whether traffic is welcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payme.runtime.http.cursors import Cursors
from payme.runtime.http.rate_limits import RateLimiter, Spent, client_address

if TYPE_CHECKING:
    from starlette.types import Scope

    from payme.runtime.database import Database
    from payme.runtime.events.broadcaster import Broadcaster
    from payme.runtime.http.access import Authenticator, CsrfGuard
    from payme.runtime.http.idempotency import Flights
    from payme.runtime.http.options import HttpOptions, Maintenance


@dataclass(slots=True)
class Edge:
    """The edge of one application; it stands on `app.state.edge`."""

    options: HttpOptions
    database: Database
    authenticator: Authenticator
    csrf: CsrfGuard
    limiter: RateLimiter
    broadcaster: Broadcaster
    cursors: Cursors = field(init=False)
    maintenance: Maintenance = field(init=False)
    draining: bool = False
    flights: Flights = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cursors = Cursors(self.options.secret)
        self.maintenance = self.options.maintenance

    def client_address(self, scope: Scope) -> str:
        """Return the address of the caller, looking through the configured proxies only."""
        return client_address(scope, self.limiter.trusted)

    async def spend(self, budget: str, key: str, scope: Scope) -> Spent | None:
        """Count one use of a budget; what is left goes into the answer's headers. Raises: RateLimited."""
        spent = await self.limiter.spend(budget, key)
        if spent is not None:
            scope["payme.spent"] = spent
            spent.check()
        return spent
