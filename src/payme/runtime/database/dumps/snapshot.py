"""One moment of the whole database, held open, so that what is counted and what is dumped are the same rows."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from payme.runtime.database.dumps.errors import DumpError
from payme.runtime.database.roles import BACKUP_ROLE, UNBOUND, UNREADABLE

_TABLES: Final = """
select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by c.relname
"""
_FACTS: Final = (
    "select pg_export_snapshot() as id, current_setting('server_version_num')::int / 10000 as major, now() as taken_at"
)
_NO_ROLE: Final = (
    f"This database user can read every row of nothing: {BACKUP_ROLE} is not there or may not be taken on. `payme migrate up` as a "
    "user who may create roles makes it; or set BACKUP_DATABASE_URL to a user who may bypass row-level security."
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of a database. `role` is what a dump has to take on to read all of it; None for a user whom no policy binds."""

    id: str
    server_major: int
    taken_at: Any
    role: str | None
    _connection: Any

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        """Return the rows of a query, as of that moment and over all businesses."""
        return await self._connection.fetch(sql, *arguments)

    async def count_rows(self) -> dict[str, int]:
        """Return how many rows each table has."""
        names = [row["relname"] for row in await self._connection.fetch(_TABLES)]
        # nosemgrep: sql-made-of-values -- names from the catalogue, quoted
        return {name: await self._connection.fetchval(f'select count(*) from "{name}"') for name in names}  # noqa: S608 -- names from the catalogue


@asynccontextmanager
async def open_snapshot(url: str) -> AsyncGenerator[Snapshot]:
    """Hold a moment of the database open, read-only. Raises: DumpError where something would be missing, or nobody answers."""
    settings = {"application_name": "payme backup", "jit": "off", "timezone": "UTC"}
    try:
        connection: Any = await asyncpg.connect(url, timeout=10, server_settings=settings)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DumpError(f"The database cannot be reached: {type(error).__name__}: {error}") from error
    try:
        role = None if await connection.fetchval(UNBOUND) else BACKUP_ROLE
        if role is not None:
            await _take_on(connection, role)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            facts = await connection.fetchrow(_FACTS)
            yield Snapshot(facts["id"], facts["major"], facts["taken_at"], role, connection)
    except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError) as error:
        raise DumpError(f"The database went away ({type(error).__name__}).") from error
    finally:
        await connection.close(timeout=5)


async def _take_on(connection: Any, role: str) -> None:
    try:
        # house: allow session-set this connection is ours alone and ends with the backup
        await connection.execute(f'set role "{role}"')  # nosemgrep: sql-made-of-values -- our own role
    except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError) as error:
        raise DumpError(_NO_ROLE) from error
    hidden = [row["relname"] for row in await connection.fetch(UNREADABLE, role)]
    if hidden:
        names = ", ".join(hidden[:5])
        raise DumpError(f"{role} may not read all of {names}; run `payme migrate up`, which grants it.")
