"""One connection that listens and tells, held open for the life of a process and made again when it breaks.

It goes to the server directly: a transaction pooler forgets who listens. A message may be lost; `on_gap` says that some may be.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

_log = structlog.get_logger("payme.database")
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_ALIVE_SECONDS: Final = 10
_LOOK_SECONDS: Final = 1.0
_BROKEN = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


class NotificationLine:
    """LISTEN and NOTIFY on one channel."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._channel = ""
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._on_message: Callable[[str], None] = _ignore
        self._on_gap: Callable[[], None] = _nothing
        self.reconnects = 0

    async def open(self, channel: str, *, on_message: Callable[[str], None], on_gap: Callable[[], None]) -> None:
        """Begin to listen; a server that is away is waited for in the background."""
        self._channel, self._on_message, self._on_gap = channel, on_message, on_gap
        with contextlib.suppress(*_BROKEN):
            await self._connect()
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """Hang up."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def send(self, payload: str) -> None:
        """Tell whoever listens, as well as can be; when the line is broken the message is lost."""
        if self._connection is None:
            return
        with contextlib.suppress(*_BROKEN):
            await self._connection.execute("select pg_notify($1, $2)", self._channel, payload)

    async def _connect(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=_ALIVE_SECONDS, command_timeout=_ALIVE_SECONDS)
        await connection.add_listener(self._channel, self._received)
        self._connection = connection

    def _received(self, *message: Any) -> None:
        self._on_message(str(message[-1]))

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                if self._connection is None or self._connection.is_closed():
                    await self._connect()
                    self.reconnects += 1
                    self._on_gap()
                pause = _FIRST_PAUSE
                await asyncio.sleep(_LOOK_SECONDS)
            except _BROKEN as error:
                _log.warning("database.listening_failed", error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)


def _ignore(_: str) -> None:
    return


def _nothing() -> None:
    return
