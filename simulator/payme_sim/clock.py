"""The virtual clock and every timer of the simulator.

Lives here: the instant, timers, sleeping in virtual time, moving the clock. Does not live here: what a timer does.
Invariant: timers fire in the order of their due instants, each at its own instant, even when the clock jumps.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

NAIROBI = ZoneInfo("Africa/Nairobi")

Action = Callable[[], Coroutine[Any, Any, None]]


@dataclass(order=True, slots=True)
class Timer:
    """One thing due at one instant; `cancelled` timers are skipped."""

    due: datetime
    order: int
    action: Action = field(compare=False)
    cancelled: bool = field(default=False, compare=False)


class Clock:
    """Virtual time that follows real time until it is moved or frozen."""

    def __init__(self, *, start: datetime | None = None, frozen: bool = False) -> None:
        """Start at `start` (aware) or at the real instant; a frozen clock moves only when told to."""
        self._base = (start or datetime.now(UTC)).astimezone(UTC)
        self._real_base = time.monotonic()
        self.frozen = frozen
        self._stepping = False
        self._timers: list[Timer] = []
        self._order = itertools.count()
        self._changed = asyncio.Event()
        self._moving = asyncio.Lock()
        self._running: set[asyncio.Future[None]] = set()
        self._sleepers: set[asyncio.Event] = set()

    def now(self) -> datetime:
        """Tell the virtual instant, aware, in UTC."""
        if self.frozen or self._stepping:
            return self._base
        return self._base + timedelta(seconds=time.monotonic() - self._real_base)

    def nairobi(self) -> datetime:
        """Tell the virtual instant on Nairobi's wall."""
        return self.now().astimezone(NAIROBI)

    @property
    def pending(self) -> int:
        """Count the timers that are still to fire."""
        return sum(1 for timer in self._timers if not timer.cancelled)

    @property
    def next_due(self) -> datetime | None:
        """Tell when the next timer fires, or None where none waits."""
        while self._timers and self._timers[0].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0].due if self._timers else None

    def call_at(self, due: datetime, action: Action) -> Timer:
        """Run `action` once when the clock reaches `due`."""
        timer = Timer(due, next(self._order), action)
        heapq.heappush(self._timers, timer)
        self._changed.set()
        return timer

    def call_after(self, seconds: float, action: Action) -> Timer:
        """Run `action` once, `seconds` of virtual time from now."""
        return self.call_at(self.now() + timedelta(seconds=seconds), action)

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of virtual time, or until the simulator stops or is reset."""
        woken = asyncio.Event()

        async def wake() -> None:
            woken.set()

        timer = self.call_after(seconds, wake)
        self._sleepers.add(woken)
        try:
            await woken.wait()
        finally:
            timer.cancelled = True
            self._sleepers.discard(woken)

    def set_frozen(self, *, frozen: bool) -> None:
        """Stop or resume following real time, from the instant shown now."""
        self._rebase(self.now())
        self.frozen = frozen
        self._changed.set()

    async def advance_to(self, target: datetime) -> int:
        """Move forward to `target`, firing what falls due on the way and waiting for it; return how many fired."""
        async with self._moving:
            self._rebase(self.now())
            self._stepping = True
            fired = 0
            try:
                while batch := self._pop_due(target):
                    self._base = max(self._base, batch[0].due)
                    await asyncio.gather(*(timer.action() for timer in batch))
                    fired += len(batch)
                self._base = max(self._base, target)
            finally:
                self._stepping = False
                self._real_base = time.monotonic()
                self._changed.set()
            return fired

    def restart(self, *, start: datetime | None, frozen: bool) -> None:
        """Drop every timer, wake every sleeper and begin again at `start`, or at the real instant."""
        self._timers.clear()
        self.wake_sleepers()
        self._rebase((start or datetime.now(UTC)).astimezone(UTC))
        self.frozen = frozen
        self._changed.set()

    def wake_sleepers(self) -> None:
        """End every `sleep` at once."""
        for woken in list(self._sleepers):
            woken.set()

    async def run(self) -> None:
        """Fire timers as real time passes, until cancelled."""
        while True:
            self._changed.clear()
            async with self._moving:
                while batch := self._pop_due(self.now()):
                    for timer in batch:
                        self.keep(asyncio.ensure_future(timer.action()))
            wait = self._seconds_to_next()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait)

    def keep(self, task: asyncio.Future[None]) -> None:
        """Hold on to a task until it is done, so that it is not collected half-way."""
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _seconds_to_next(self) -> float | None:
        if self.frozen or not self._timers:
            return None
        return max(0.0, (self._timers[0].due - self.now()).total_seconds())

    def _pop_due(self, until: datetime) -> list[Timer]:
        """Take the timers of the earliest due instant not after `until`."""
        batch: list[Timer] = []
        while self._timers and self._timers[0].due <= until and (not batch or self._timers[0].due == batch[0].due):
            timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                batch.append(timer)
        return batch

    def _rebase(self, instant: datetime) -> None:
        self._base = instant
        self._real_base = time.monotonic()
