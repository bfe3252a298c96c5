"""Keeps what this process knows of the deployment's maintenance: read when it is told of, after a gap, and from time to time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from payme.runtime.database import DatabaseBusy, DatabaseUnavailable
from payme.runtime.events.maintenance import read_notice

if TYPE_CHECKING:
    from payme.runtime.http.edge import Edge

_LOOK_SECONDS: Final = 10.0
_log = structlog.get_logger("payme.http")


class MaintenanceWatch:
    """Reads the notice into the edge. A database that is away changes nothing: the last word stands."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read it once, so that the first request meets the right mode, and begin to hear."""
        self._edge.broadcaster.notice_listeners.append(self._told.set)
        await self._read()
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """Stop hearing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._told.wait()
            except TimeoutError:
                pass
            self._told.clear()
            await self._read()

    async def _read(self) -> None:
        try:
            notice = await self._edge.database.run(read_notice, read_only=True)
        except (DatabaseBusy, DatabaseUnavailable) as error:
            _log.warning("maintenance.unknown", error=type(error).__name__)
            return
        if notice != self._edge.notice:
            _log.info("maintenance.changed", mode=notice.mode)
            self._edge.hear(notice)
            if self._edge.maintenance == "drain":
                self._edge.broadcaster.wake_all()
