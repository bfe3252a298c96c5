"""The roles that processes take on after connecting: they own nothing and cannot log in.

`payme_app` and `payme_worker` see one business at a time. `payme_backup` reads every row and writes none, by a policy of its own,
because row-level security is forced on the owner too. Where the owner may not create roles, as on some hosts, that is a warning:
processes then work as the owner, and forced row-level security still holds. Invariant: nobody whom the policies do not bind
works without a role; running `ensure_roles` twice, or in two databases of one server at once, ends the same.
"""

from typing import Any, Final

import asyncpg

from payme.runtime.database.errors import DatabaseUnavailable

APP_ROLE: Final = "payme_app"
WORKER_ROLE: Final = "payme_worker"
BACKUP_ROLE: Final = "payme_backup"
TRIES: Final = 5
GRANTED: Final = """
select exists (
    select from pg_auth_members m
    where m.roleid = $1::text::regrole and m.member = current_user::regrole
      and coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
)
"""
UNBOUND: Final = "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
UNREADABLE: Final = """
select c.relname, c.relkind = 'S' as is_sequence,
  c.relrowsecurity and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'backup') as wants_policy
from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'S')
  and (not has_table_privilege($1::text, c.oid, 'select')
    or (c.relrowsecurity and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'backup')))
order by c.relname
"""
# Cluster-wide catalogues: a neighbour may create the same role, or change the same row, in the same moment.
RACED: Final = (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError, asyncpg.InternalServerError)


async def ensure_roles(connection: asyncpg.Connection) -> list[str]:
    """Create the missing roles and let the owner take them on; return a warning for each that could not be had."""
    warnings = [await _ensure_role(connection, role) for role in (APP_ROLE, WORKER_ROLE, BACKUP_ROLE)]
    return [warning for warning in warnings if warning]


async def grant_reading(connection: asyncpg.Connection, table: str) -> None:
    """Let both roles of the application, where they exist, read one table of the owner."""
    for row in await connection.fetch("select rolname from pg_roles where rolname = any($1)", [APP_ROLE, WORKER_ROLE]):
        # nosemgrep: sql-made-of-values -- a role is no parameter, and this one is ours, quoted
        await connection.execute(f'grant select on "{table}" to "{row["rolname"]}"')


async def grant_backup(connection: asyncpg.Connection) -> None:
    """Let the role of backups, where the owner may take it on, read every table and sequence; what it reads already is not locked."""
    if not await _is_granted(connection, BACKUP_ROLE):
        return
    for row in await connection.fetch(UNREADABLE, BACKUP_ROLE):
        kind, name = "sequence" if row["is_sequence"] else "table", row["relname"]
        await connection.execute(f'grant select on {kind} "{name}" to {BACKUP_ROLE}')
        if row["wants_policy"]:
            # On PostgreSQL 15 the owner inherits the role, so the role's name is asked for besides.
            await connection.execute(
                f"create policy backup on \"{name}\" for select to {BACKUP_ROLE} using (current_user = '{BACKUP_ROLE}')"
            )


async def take_role(connection: Any, role: str, *, lasting: bool = True) -> bool:
    """Take on a role for the life of a connection; return False where this server keeps it from us and policies bind us anyway.

    Not `lasting`: only try whether a transaction may take it, because behind a pooler the connection is not ours.
    Raises: DatabaseUnavailable where nothing would bind us: then one business could see another's rows.
    """
    try:
        if lasting:
            # house: allow session-set whoever uses this connection has this one role, so nothing differs to leak
            await connection.execute(f'set role "{role}"')
        else:
            await connection.execute(f'begin; set local role "{role}"; rollback')
    except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError) as error:
        if not lasting:
            await connection.execute("rollback")
        if await connection.fetchval(UNBOUND):
            message = f"The role {role} cannot be taken on, and this user passes row-level security"
            raise DatabaseUnavailable(message) from error
        return False
    return True


async def _is_granted(connection: asyncpg.Connection, role: str) -> bool:
    if not await connection.fetchval("select exists (select from pg_roles where rolname = $1)", role):
        return False
    return await connection.fetchval(GRANTED, role)


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
