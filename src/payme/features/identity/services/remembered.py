"""What a process remembers for a short while instead of asking the database again.

Invariant: nothing outlives its time, and what was forgotten while it was being looked up is not remembered.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(slots=True)
class _Lookup(Generic[Value]):
    """A look-up under way, which everybody who asks the same shares; stale once somebody said to forget."""

    future: "asyncio.Future[Value]"
    is_stale: bool = False


@dataclass(slots=True)
class Remembered(Generic[Key, Value]):
    """Values by key for `life_seconds`, at most `most` of them; the oldest leave first."""

    life_seconds: int
    most: int = 50_000
    lookups: int = 0
    _kept: dict[Key, tuple[int, Value]] = field(default_factory=dict[Key, tuple[int, Value]])
    _under_way: dict[Key, _Lookup[Value]] = field(default_factory=dict[Key, _Lookup[Value]])

    async def get(self, key: Key, look_up: Callable[[Key], Awaitable[Value]]) -> Value:
        """Return what is remembered, else look it up; a look-up that fails is not remembered."""
        while True:
            kept = self._kept.get(key)
            if kept is not None and kept[0] > time.monotonic_ns():
                return kept[1]
            running = self._under_way.get(key)
            if running is None or running.is_stale:
                return await self._look_up(key, look_up)
            try:
                return await asyncio.shield(running.future)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not running.future.cancelled() or (task is not None and task.cancelling()):
                    raise
                # Whoever was looking it up went away; somebody who is still here does it.

    def forget(self, key: Key) -> None:
        """Forget one key, also where it is being looked up at this moment."""
        self._kept.pop(key, None)
        if key in self._under_way:
            self._under_way[key].is_stale = True

    def forget_all(self) -> None:
        """Forget everything, because a notice may have been missed."""
        self._kept.clear()
        for lookup in self._under_way.values():
            lookup.is_stale = True

    async def _look_up(self, key: Key, look_up: Callable[[Key], Awaitable[Value]]) -> Value:
        lookup = self._under_way[key] = _Lookup(asyncio.get_running_loop().create_future())
        self.lookups += 1
        begun = time.monotonic_ns()
        try:
            value = await look_up(key)
        except asyncio.CancelledError:
            lookup.future.cancel()
            raise
        except Exception as error:
            lookup.future.set_exception(error)
            # Nobody may have waited with us; an exception that is never looked at would be reported.
            lookup.future.exception()
            raise
        else:
            lookup.future.set_result(value)
            if not lookup.is_stale:
                self._keep(key, value, begun=begun)
            return value
        finally:
            if self._under_way.get(key) is lookup:
                del self._under_way[key]

    def _keep(self, key: Key, value: Value, *, begun: int) -> None:
        self._kept.pop(key, None)
        while len(self._kept) >= self.most:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (begun + self.life_seconds * 1_000_000_000, value)
