"""The passing of time: stories, jobs and the simulator each say when something happens next, and both clocks are moved there.

A story is an asynchronous generator that yields how many seconds to wait. Between two moments nothing happens, so an empty night
takes no time. Invariant: both clocks show the same instant whenever a story or a job runs.
"""

import asyncio
import heapq
import itertools
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from payme.kit.time import FrozenClock
from tests.month.provider import Provider
from tests.month.worker import Worker

AT_ONCE: Final = 14
GRID: Final = timedelta(seconds=4)
"""What happens within this much of the first thing that is due happens in one step."""
Story = AsyncGenerator[float, None]


@dataclass
class Agenda:
    """Everything that is still to happen."""

    clock: FrozenClock
    provider: Provider
    worker: Worker
    on_step: Callable[[], None] = lambda: None
    _stories: list[tuple[datetime, int, Story]] = field(default_factory=list)
    _order: "itertools.count[int]" = field(default_factory=itertools.count)

    def add(self, at: datetime, story: Story) -> None:
        """Have a story begin."""
        heapq.heappush(self._stories, (at, next(self._order), story))

    async def run_until(self, end: datetime) -> None:
        """Let everything happen that falls due until an instant."""
        while True:
            await self._jobs()
            due = min((each for each in self._next() if each is not None), default=end)
            if due >= end:
                await self._move_to(end)
                return
            await self._move_to(min(max(due + GRID, self.clock.now()), end))
            await self._jobs()
            await self._tell()
            self.on_step()

    def _next(self) -> tuple[datetime | None, ...]:
        return self.provider.next_due, self.worker.next_due, self._stories[0][0] if self._stories else None

    async def _move_to(self, instant: datetime) -> None:
        self.clock.instant = instant
        await self.provider.move_to(instant)

    async def _jobs(self) -> None:
        if await self.worker.run_due():
            await self.provider.look()

    async def _tell(self) -> None:
        stories: list[Story] = []
        while self._stories and self._stories[0][0] <= self.clock.now():
            stories.append(heapq.heappop(self._stories)[2])
        if not stories:
            return
        places = asyncio.Semaphore(AT_ONCE)

        async def go_on(story: Story) -> None:
            async with places:
                wait = await anext(story, None)
            if wait is not None:
                self.add(self.clock.now() + timedelta(seconds=wait), story)

        await asyncio.gather(*map(go_on, stories))
        await self.provider.look()
