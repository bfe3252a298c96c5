"""The roles that the application and the workers take on after connecting: they own nothing and cannot log in.

Where the owner may not create roles, as on some hosts, that is a warning: forced row-level security still holds.
Invariant: running this twice, or in two databases of one server at once, ends the same.
"""

from typing import Final

import asyncpg

APP_ROLE: Final = "payme_app"
WORKER_ROLE: Final = "payme_worker"
TRIES: Final = 5
GRANTED: Final = """
select exists (
    select from pg_auth_members m
    where m.roleid = $1::text::regrole and m.member = current_user::regrole
      and coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
)
"""
# Cluster-wide catalogues: a neighbour may create the same role, or change the same row, in the same moment.
RACED: Final = (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError, asyncpg.InternalServerError)


async def ensure_roles(connection: asyncpg.Connection) -> list[str]:
    """Create the missing roles and let the owner take them on; return a warning for each that could not be had."""
    warnings = [await _ensure_role(connection, role) for role in (APP_ROLE, WORKER_ROLE)]
    return [warning for warning in warnings if warning]


async def grant_reading(connection: asyncpg.Connection, table: str) -> None:
    """Let both roles, where they exist, read one table of the owner."""
    for row in await connection.fetch("select rolname from pg_roles where rolname = any($1)", [APP_ROLE, WORKER_ROLE]):
        # nosemgrep: sql-made-of-values -- a role is no parameter, and this one is ours, quoted
        await connection.execute(f'grant select on "{table}" to "{row["rolname"]}"')


async def _ensure_role(connection: asyncpg.Connection, role: str) -> str | None:
    for _ in range(TRIES):
        try:
            if not await connection.fetchval("select exists (select from pg_roles where rolname = $1)", role):
                # nosemgrep: sql-made-of-values -- a role is no parameter, and this one is ours, quoted
                await connection.execute(f'create role "{role}" nologin')
            if not await connection.fetchval(GRANTED, role):
                # nosemgrep: sql-made-of-values -- a role is no parameter, and this one is ours, quoted
                await connection.execute(f'grant "{role}" to current_user')
        except RACED:
            continue
        except asyncpg.InsufficientPrivilegeError as error:
            return f"The role {role} cannot be used here ({error}); row-level security is forced and holds without it."
        return None
    return f"The role {role} could not be created: others keep changing the roles of this server."
