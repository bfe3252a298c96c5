"""How many batches are worked on at once: so many in the process, fewer of one business; the rest is told to come back.

After an outage every till returns in the same minute. Each is answered at once, with a different time to try again.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from payme.runtime.http.errors import ServiceUnavailable

_SOONEST_SECONDS: Final = 2
_LATEST_SECONDS: Final = 30


class Overloaded(ServiceUnavailable):
    """Too many tills send at once; wait as long as Retry-After says."""

    code = "sync.overloaded"


@dataclass(slots=True)
class Pressure:
    """What is under way in this process. A batch waits for its place so long at most, and so many may wait."""

    at_once: int = 4
    of_one_business: int = 2
    most_waiting: int = 64
    patience_seconds: int = 5
    _running: int = 0
    _waiting: int = 0
    _of: Counter[UUID] = field(default_factory=Counter[UUID])
    _freed: asyncio.Condition | None = None

    @asynccontextmanager
    async def enter(self, business_id: UUID) -> AsyncGenerator[None]:
        """Hold a place while a batch is worked on. Raises: Overloaded."""
        freed = self._freed = self._freed or asyncio.Condition()
        if self._waiting >= self.most_waiting:
            raise self._overloaded()
        self._waiting += 1
        try:
            async with asyncio.timeout(self.patience_seconds), freed:
                await freed.wait_for(lambda: self._has_room(business_id))
                self._running += 1
                self._of[business_id] += 1
        except TimeoutError:
            raise self._overloaded() from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._running -= 1
            self._of[business_id] -= 1
            if not self._of[business_id]:
                del self._of[business_id]
            async with freed:
                freed.notify_all()

    def _has_room(self, business_id: UUID) -> bool:
        return self._running < self.at_once and self._of[business_id] < self.of_one_business

    @staticmethod
    def _overloaded() -> Overloaded:
        return Overloaded(retry_after_seconds=random.randint(_SOONEST_SECONDS, _LATEST_SECONDS))  # noqa: S311 -- jitter is no secret
