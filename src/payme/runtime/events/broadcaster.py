"""Wakes whoever watches a business when it changed: at once inside a process, within a moment between processes.

Nothing of a change travels here but the business and its counter; watchers read the rows. A lost notification is therefore only
late: watchers look again at their own heartbeat. Nothing is notified inside a transaction of a sale, where PostgreSQL takes a
lock for it that all tenants share; it is done after commit, gathered, on the connection that listens.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from uuid import UUID

from payme.runtime.events.maintenance import PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from payme.runtime.database import Database
    from payme.runtime.database.notifications import NotificationLine

CHANNEL: Final = "payme_changes"
_GATHER_SECONDS: Final = 0.05
_PER_NOTIFICATION: Final = 100  # about 60 bytes each; PostgreSQL takes 8,000 bytes


class Watch:
    """One watcher of one business."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Tell the watcher to look."""
        self._changed.set()

    async def changed(self, wait_seconds: float) -> bool:
        """Wait until the business changed since the last call, or the time is over; say which."""
        try:
            async with asyncio.timeout(wait_seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        finally:
            self._changed.clear()
        return True


class Broadcaster:
    """Hears of commits in this process and, over a line, of those in others."""

    def __init__(self, database: Database, line: NotificationLine | None = None) -> None:
        self._database = database
        self._line = line
        self._watches: defaultdict[UUID, set[Watch]] = defaultdict(set)
        self._unsent: dict[UUID, int] = {}
        self._sending: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.notice_listeners: list[Callable[[], None]] = []
        """Called when the maintenance mode may have changed."""

    async def open(self) -> None:
        """Begin to hear."""
        self._database.commit_listeners.append(self.committed)
        if self._line is not None:
            await self._line.open(CHANNEL, on_message=self._heard, on_gap=self._missed)

    async def close(self) -> None:
        """Stop hearing; watchers are woken so that they can end."""
        if self.committed in self._database.commit_listeners:
            self._database.commit_listeners.remove(self.committed)
        if self._sending is not None:
            self._sending.cancel()
        if self._line is not None:
            await self._line.close()
        self.wake_all()

    @contextmanager
    def watch(self, business_id: UUID) -> Generator[Watch]:
        """Watch a business for the length of the block."""
        watch = Watch()
        self._watches[business_id].add(watch)
        try:
            yield watch
        finally:
            self._watches[business_id].discard(watch)
            if not self._watches[business_id]:
                del self._watches[business_id]

    @property
    def watchers(self) -> int:
        """How many watch at present."""
        return sum(len(watches) for watches in self._watches.values())

    def committed(self, business_id: UUID, sequence: int) -> None:
        """Take note of a commit in this process."""
        self._wake(business_id)
        if self._line is not None:
            self._unsent[business_id] = sequence
            if self._sending is None:
                self._sending = asyncio.get_running_loop().call_later(_GATHER_SECONDS, self._send)

    def _send(self) -> None:
        self._sending = None
        told = [f"{business_id}:{sequence}" for business_id, sequence in self._unsent.items()]
        self._unsent.clear()
        task = asyncio.get_running_loop().create_task(self._notify(told))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self, told: list[str]) -> None:
        assert self._line is not None, "there is a line to tell others on"
        for start in range(0, len(told), _PER_NOTIFICATION):
            await self._line.send(",".join(told[start : start + _PER_NOTIFICATION]))

    def _heard(self, payload: str) -> None:
        if payload == PAYLOAD:
            self._tell_listeners()
            return
        for each in payload.split(","):
            business_id, _, _ = each.partition(":")
            try:
                self._wake(UUID(business_id))
            except ValueError:
                continue

    def _wake(self, business_id: UUID) -> None:
        for watch in self._watches.get(business_id, ()):
            watch.wake()

    def _missed(self) -> None:
        self.wake_all()
        self._tell_listeners()

    def _tell_listeners(self) -> None:
        for listener in self.notice_listeners:
            listener()

    def wake_all(self) -> None:
        """Have every watcher look."""
        for watches in self._watches.values():
            for watch in watches:
                watch.wake()
