"""The database that a backup is to be restored into: whether it is empty, and how it is made ready. Asked as its owner."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from payme.runtime.database.dumps.errors import DumpError
from payme.runtime.database.roles import ensure_roles

_LOOK: Final = """
select current_setting('server_version_num')::int / 10000 as major, current_database() as name,
  (select count(*) from pg_class where relnamespace = to_regnamespace('public') and relkind in ('r', 'p', 'v', 'm', 'f'))::int
    + (select count(*) from pg_proc where pronamespace = to_regnamespace('public'))::int as things,
  (select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
    and backend_type = 'client backend')::int as sessions
"""
_CLEAR: Final = "set local lock_timeout = '5s'; drop schema if exists public cascade; create schema public; grant usage on schema public to public"


@dataclass(frozen=True, slots=True)
class Target:
    """A database as it is before a restore; `things` are its tables, views and functions, `sessions` those of others."""

    server_major: int
    name: str
    things: int
    sessions: int


async def examine_target(url: str) -> Target:
    """Look at a database. Raises: DumpError where nobody answers."""
    async with _connected(url) as connection:
        row = await connection.fetchrow(_LOOK)
        return Target(row["major"], row["name"], row["things"], row["sessions"])


async def prepare_target(url: str) -> None:
    """Make the roles that the archive grants to. Raises: DumpError where this user may not."""
    async with _connected(url) as connection:
        warnings = await ensure_roles(connection)
    if warnings:
        raise DumpError(f"{warnings[0]} The backup grants to these roles, so they have to be there first.")


async def clear_target(url: str) -> None:
    """Drop everything in the schema public, for good. Raises: DumpError where somebody holds it."""
    async with _connected(url) as connection:
        try:
            async with connection.transaction():
                await connection.execute(_CLEAR)
        except asyncpg.PostgresError as error:
            message = f"The target could not be emptied ({type(error).__name__}): stop the API and the workers first."
            raise DumpError(message) from error


@asynccontextmanager
async def _connected(url: str) -> AsyncGenerator[Any]:
    try:
        connection: Any = await asyncpg.connect(
            url, timeout=10, server_settings={"application_name": "payme restore", "client_min_messages": "warning"}
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DumpError(f"The database to restore into cannot be reached: {type(error).__name__}: {error}") from error
    try:
        yield connection
    finally:
        await connection.close(timeout=5)
