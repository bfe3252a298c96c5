"""Leave a product of M-Pesa alone while it is down, and try it again by one call at a time.

A call that is not made was certainly not sent: a cashier hears so at once instead of after half a minute, and nobody's prompt
is in doubt. Lives here: counting and resting, by product, for all apps of a process, since Safaricom's outages are a product's.
Does not live here: how often one app may ask, and who is told of an outage.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from payme.integrations.daraja import metrics
from payme.integrations.daraja.errors import DarajaUnavailable

Tell = Callable[[str, datetime | None], Awaitable[None]]
"""Told when a product rests, with the instant until which it does, and with None when it answers again."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """After how many failures in a row a product rests, and for how many seconds; zero failures: it never does."""

    failures: int = 5
    rest_seconds: int = 20


@dataclass(slots=True)
class _Product:
    missed: int = 0
    rests_until: datetime | None = None


@dataclass(slots=True)
class Breaker:
    """The state of every product, as this process has seen it."""

    rules: BreakerRules
    tell: Tell | None = None
    _products: dict[str, _Product] = field(default_factory=dict[str, _Product])

    def admit(self, product: str, now: datetime) -> None:
        """Let a call pass, or raise; when the rest is over, one call passes and the others wait for what comes of it.

        Raises: DarajaUnavailable (`daraja.resting`).
        """
        known = self._products.get(product)
        if known is None or known.rests_until is None:
            return
        if now < known.rests_until:
            metrics.rested(product)
            wait = int((known.rests_until - now).total_seconds()) + 1
            raise DarajaUnavailable("daraja.resting", retry_after_seconds=wait, product=product)
        known.rests_until = now + self._rest

    async def heard(self, product: str) -> None:
        """Note that a product answered, whatever it said."""
        known = self._products.pop(product, None)
        metrics.wakes(product)
        if known is not None and known.rests_until is not None and self.tell is not None:
            await self.tell(product, None)

    async def missed(self, product: str, now: datetime) -> None:
        """Note that a product gave no answer of its own."""
        if self.rules.failures == 0:
            return
        known = self._products.setdefault(product, _Product())
        known.missed += 1
        if known.missed < self.rules.failures:
            return
        known.rests_until = now + self._rest
        metrics.rests(product, known.rests_until)
        if self.tell is not None:
            await self.tell(product, known.rests_until)

    @property
    def _rest(self) -> timedelta:
        return timedelta(seconds=self.rules.rest_seconds)


def product_of(path: str) -> str:
    """Return the word by which a path names its product."""
    first, second = path.strip("/").split("/")[:2]
    return second if first == "mpesa" else first
