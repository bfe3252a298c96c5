"""One connection outside the pool, for what a transaction pooler cannot carry: LISTEN and the queue's own statements.

It takes its role when it is made, like every connection of the pool, and gives up on a statement that hangs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

from payme.runtime.database.errors import translate

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_COMMAND_SECONDS: Final = 10.0
_CONNECT_SECONDS: Final = 5.0
_SERVER_SETTINGS: Final = {
    "timezone": "UTC",
    "jit": "off",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


async def connect_directly(dsn: str, *, role: str | None, name: str = "payme") -> Connection[Record]:
    """Open a connection in autocommit. `name` is shown in `pg_stat_activity`. Raises: DatabaseUnavailable."""
    try:
        connection = await asyncpg.connect(
            dsn,
            timeout=_CONNECT_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            server_settings={**_SERVER_SETTINGS, "application_name": name},
        )
    except Exception as error:
        raise translate(error) from error
    if role is not None:
        try:
            await connection.execute(f'set role "{role}"')
        except Exception as error:
            connection.terminate()
            raise translate(error) from error
    return connection
