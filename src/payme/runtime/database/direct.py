"""One lasting connection outside the pool, for what a transaction pooler cannot carry: LISTEN and the queue's statements.

It takes its role when it is made, gives up on a statement that hangs, and is made again whenever it is lost. Invariant:
a statement is repeated after a loss, so only statements that may be repeated belong here.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import asyncpg
import structlog

from payme.runtime.database.errors import DatabaseUnavailable, translate
from payme.runtime.database.roles import take_role

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from asyncpg import Connection, Record

Result = TypeVar("Result")
_COMMAND_SECONDS: Final = 10
_CONNECT_SECONDS: Final = 5
_LONGEST_PAUSE_SECONDS: Final = 2.0
_SERVER_SETTINGS: Final = {
    "timezone": "UTC",
    "jit": "off",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_BROKEN: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
_log = structlog.get_logger("payme.database")


@dataclass(slots=True)
class LastingConnection:
    """A connection in autocommit; the first statement makes it. `name` is shown in `pg_stat_activity`."""

    dsn: str
    role: str | None
    name: str = "payme"
    _connection: Connection[Record] | None = None
    _listeners: list[tuple[str, Callable[[str], None]]] = field(default_factory=list[Any])
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def fetch(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        """Return the rows of a query, however long the database is away."""
        rows = await self._lasting(lambda connection: connection.fetch(sql, *arguments))
        return [dict(row) for row in rows]

    async def execute(self, sql: str, *arguments: Any) -> str:
        """Run a statement, however long the database is away, and return its status."""
        return await self._lasting(lambda connection: connection.execute(sql, *arguments))

    async def listen(self, channel: str, listener: Callable[[str], None]) -> None:
        """Pass each payload of a channel to the listener, on this connection and on each that replaces it.

        What is sent while there is no connection is lost; whoever listens also looks by himself from time to time.
        """
        await self._lasting(lambda connection: connection.add_listener(channel, _relay(listener)))
        self._listeners.append((channel, listener))

    def close(self) -> None:
        """Drop the connection without waiting for an answer."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _lasting(self, use: Callable[[Connection[Record]], Awaitable[Result]]) -> Result:
        pause = 0.1
        async with self._lock:
            while True:
                try:
                    return await use(await self._ready())
                except _BROKEN as error:
                    if not isinstance(translate(error), DatabaseUnavailable):
                        raise
                    _log.warning("database.connection_lost", name=self.name, error=type(error).__name__)
                self.close()
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 -- jitter is no secret
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _ready(self) -> Connection[Record]:
        if self._connection is None or self._connection.is_closed():
            settings = {**_SERVER_SETTINGS, "application_name": self.name}
            connection: Connection[Record] = await asyncpg.connect(
                self.dsn, timeout=_CONNECT_SECONDS, command_timeout=_COMMAND_SECONDS, server_settings=settings
            )
            self._connection = connection
            if self.role is not None:
                await take_role(connection, self.role)
            for channel, listener in self._listeners:
                await connection.add_listener(channel, _relay(listener))
        return self._connection


def _relay(listener: Callable[[str], None]) -> Callable[..., None]:
    def pass_on(_connection: object, _pid: object, _channel: object, payload: object) -> None:
        listener(str(payload))

    return pass_on
