"""Bring a database to the newest revision: plain SQL files, in order, each recorded with its checksum.

Lives here: the lock between runners, time-outs, the record of what was applied, the two roles of the application.
Not here: what the schema is (`migrations/versions`), the rules of file names (`revisions`), what a contract waits for (`contracts`).
Invariant: a revision and its record commit together; nobody waits in a blocking advisory lock, because beside
`create index concurrently` such a wait never ends.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg

from payme.runtime.database.contracts import note_release, read_support
from payme.runtime.database.revisions import MigrationError, Phase, Revision, load_revisions, pending_revisions
from payme.runtime.database.roles import ensure_roles, grant_backup, grant_reading

ADVISORY_KEY: Final = 0x70_61_79_6D_65  # "payme"; the lock is per database
POLL_SECONDS: Final = 0.1
CREATE_RECORD: Final = """
create table if not exists schema_migrations (
    version text primary key check (version ~ '^[0-9]{12}$'),
    phase text not null check (phase in ('expand', 'contract')),
    what text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    duration_ms integer not null
)
"""
HAS_RECORD: Final = "select to_regclass('schema_migrations') is not null"
READ_RECORD: Final = "select version, checksum from schema_migrations order by version"
READ_CONTRACTS: Final = "select version from schema_migrations where phase = 'contract'"
WRITE_RECORD: Final = """
insert into schema_migrations (version, phase, what, checksum, duration_ms) values ($1, $2, $3, $4, $5)
"""
SET_TIMEOUTS: Final = "select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)"
LOCK_HOLDER: Final = """
select format('process %s, %s%s, since %s', a.pid, coalesce(nullif(a.application_name, ''), 'unnamed'),
  coalesce(' from ' || a.client_addr, ''), to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'))
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.database = (select oid from pg_database where datname = current_database())
  and (l.classid::bigint << 32) | l.objid::bigint = $1
"""
INVALID_INDEXES: Final = "select indexrelid::regclass::text from pg_index where not indisvalid order by 1"

Say = Callable[[str], None]
Before = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MigrationLimits:
    """How long things may take, in seconds, and how often a revision that met a lock is tried again."""

    lock_seconds: float = 2.0
    statement_seconds: float = 900.0
    wait_for_others_seconds: float = 300.0
    attempts: int = 5
    pause_seconds: float = 1.0
    support: timedelta = timedelta(days=14)
    """How long one may still go back to a release after its successor has migrated the database."""


@dataclass(frozen=True, slots=True)
class Migrator:
    """The revisions of one folder and one database that shall have them.

    `dsn` must reach PostgreSQL directly or through a session pooler: the lock between runners belongs to the session.
    `release` is the one that the files belong to. `before` runs once, under the lock, before a database that is in use is
    changed; where it raises, nothing is.
    """

    dsn: str
    folder: Path
    limits: MigrationLimits = MigrationLimits()
    say: Say = print
    release: str = ""
    before: Before | None = None

    async def up(self, *, stop_before_contract: bool = False) -> int:
        """Apply what is pending and return how many revisions that were.

        Raises: MigrationError; what was applied before the failing revision stays, of the failing one nothing does.
        """
        revisions = load_revisions(self.folder)
        async with self._connection() as connection:
            await self._lock(connection)
            is_new = not await read_applied(connection)
            pending = await _pending(revisions, connection)
            if pending and not is_new and self.before is not None:
                await self.before()
            for warning in await ensure_roles(connection):
                self.say(f"warning: {warning}")
            await connection.execute(CREATE_RECORD)
            await grant_reading(connection, "schema_migrations")
            wanted = _before_contract(pending) if stop_before_contract else pending
            count = await self._apply_all(connection, wanted, is_new=is_new)
            await note_release(connection, self.release, is_new=is_new)
            await grant_backup(connection)
            return count

    async def pending(self) -> tuple[Revision, ...]:
        """Return what `up` would apply, without writing anything. Raises: MigrationError."""
        async with self._connection() as connection:
            return await _pending(load_revisions(self.folder), connection)

    async def waiting(self) -> dict[Revision, str | None]:
        """Return what is pending, each with why it may not run yet (None: it may), without writing anything.

        A contract holds up what comes after it. Raises: MigrationError.
        """
        async with self._connection() as connection:
            pending = await _pending(load_revisions(self.folder), connection)
            is_new = not await read_applied(connection)
            support = await read_support(connection, is_new=is_new, window=self.limits.support)
        found: dict[Revision, str | None] = {}
        held = None
        for revision in pending:
            found[revision] = support.why_not(revision) or (held and f"{revision.file_name} waits for {held}.")
            held = held or (revision.file_name if found[revision] else None)
        return found

    async def applied(self) -> Mapping[str, str]:
        """Return the versions in the database, oldest first, with their checksums. Raises: MigrationError."""
        async with self._connection() as connection:
            return await read_applied(connection)

    async def _apply_all(
        self, connection: asyncpg.Connection[asyncpg.Record], wanted: Sequence[Revision], *, is_new: bool
    ) -> int:
        """Apply in order, up to a contract that may not run yet; return how many were applied."""
        for number, revision in enumerate(wanted, start=1):
            if revision.phase is Phase.CONTRACT:
                await note_release(connection, self.release, is_new=is_new)
                support = await read_support(connection, is_new=is_new, window=self.limits.support)
                reason = support.why_not(revision)
                if reason is not None:
                    self.say(reason)
                    return number - 1
            began = time.monotonic()
            self.say(f"[{number}/{len(wanted)}] {revision.file_name}")
            await self._apply(connection, revision)
            self.say(f"[{number}/{len(wanted)}] done in {time.monotonic() - began:.2f} s")
        return len(wanted)

    @asynccontextmanager
    async def _connection(
        self, *, lock_seconds: float | None = None, statement_seconds: float | None = None
    ) -> AsyncGenerator[asyncpg.Connection[asyncpg.Record]]:
        waiting = self.limits.lock_seconds if lock_seconds is None else lock_seconds
        longest = self.limits.statement_seconds if statement_seconds is None else statement_seconds
        settings = {
            "application_name": "payme migrate",
            "lock_timeout": str(int(waiting * 1000)),
            "statement_timeout": str(int(longest * 1000)),
            "idle_in_transaction_session_timeout": "60000",
            "client_min_messages": "warning",
        }
        try:
            connection = await asyncpg.connect(self.dsn, server_settings=settings)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise MigrationError(f"The database cannot be reached: {error}") from error
        try:
            yield connection
        finally:
            await connection.close()

    async def _lock(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Take the lock between runners, asking again and again; the end of the session releases it."""
        deadline = time.monotonic() + self.limits.wait_for_others_seconds
        told = False
        while not await connection.fetchval("select pg_try_advisory_lock($1)", ADVISORY_KEY):
            if not told:
                self.say(f"another migration is running ({await _holder(connection)}); waiting for it")
                told = True
            if time.monotonic() > deadline:
                raise MigrationError(f"Another migration has been running for too long: {await _holder(connection)}.")
            await asyncio.sleep(POLL_SECONDS)

    async def _apply(self, connection: asyncpg.Connection[asyncpg.Record], revision: Revision) -> None:
        for attempt in range(1, self.limits.attempts + 1):
            try:
                if revision.in_transaction:
                    await _apply_in_transaction(connection, revision, timeouts=self.timeouts(revision))
                else:
                    await self._apply_outside(connection, revision)
            except asyncpg.LockNotAvailableError as error:
                if attempt == self.limits.attempts:
                    raise _failure(revision, error) from error
                self.say(f"somebody holds a lock; trying {revision.file_name} again")
                # Spread, so that it does not meet the same regular work each time.
                await asyncio.sleep(self.limits.pause_seconds * attempt * random.uniform(0.5, 1.5))  # noqa: S311 -- jitter is no secret
            except asyncpg.PostgresError as error:
                raise _failure(revision, error) from error
            else:
                return

    def timeouts(self, revision: Revision) -> tuple[float, float]:
        """Return for how many seconds a revision waits for a lock, and how long a statement of it may take.

        What runs outside a transaction waits without holding anybody up, so as long as its statement may take (0).
        """
        said = revision.directives
        lock = self.limits.lock_seconds if said.lock_seconds is None else said.lock_seconds
        longest = self.limits.statement_seconds if said.statement_seconds is None else said.statement_seconds
        return (lock if revision.in_transaction else 0, longest)

    async def _apply_outside(self, recorder: asyncpg.Connection[asyncpg.Record], revision: Revision) -> None:
        """Run statements that PostgreSQL takes outside a transaction only, each by itself.

        They wait for other transactions without holding anybody up, so they have no lock time-out; what one leaves behind when
        it fails is an invalid index, and while one exists nothing goes on.
        """
        await _refuse_invalid_indexes(recorder)
        began = time.monotonic()
        lock_seconds, statement_seconds = self.timeouts(revision)
        async with self._connection(lock_seconds=lock_seconds, statement_seconds=statement_seconds) as connection:
            for statement in revision.statements:
                await connection.execute(statement)
        await _refuse_invalid_indexes(recorder)
        await _record(recorder, revision, began=began)


async def read_applied(connection: Any) -> Mapping[str, str]:
    """Return version → checksum, oldest first; empty for a database that has never been migrated."""
    if not await connection.fetchval(HAS_RECORD):
        return {}
    return {row["version"]: row["checksum"] for row in await connection.fetch(READ_RECORD)}


async def _pending(revisions: Sequence[Revision], connection: Any) -> tuple[Revision, ...]:
    applied = await read_applied(connection)
    contracts = {row["version"] for row in await connection.fetch(READ_CONTRACTS)} if applied else set[str]()
    return pending_revisions(revisions, applied, contracts=contracts)


async def _holder(connection: asyncpg.Connection[asyncpg.Record]) -> str:
    return await connection.fetchval(LOCK_HOLDER, ADVISORY_KEY) or "it has just ended"


async def _apply_in_transaction(
    connection: asyncpg.Connection[asyncpg.Record], revision: Revision, *, timeouts: tuple[float, float]
) -> None:
    began = time.monotonic()
    async with connection.transaction():
        await connection.execute(SET_TIMEOUTS, *(str(int(each * 1000)) for each in timeouts))
        await connection.execute(revision.sql)
        await _record(connection, revision, began=began)


async def _record(connection: asyncpg.Connection[asyncpg.Record], revision: Revision, *, began: float) -> None:
    duration_ms = int((time.monotonic() - began) * 1000)
    values = (revision.version, revision.phase.value, revision.what, revision.checksum, duration_ms)
    await connection.execute(WRITE_RECORD, *values)


async def _refuse_invalid_indexes(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    invalid = [row[0] for row in await connection.fetch(INVALID_INDEXES)]
    if invalid:
        names = ", ".join(invalid)
        raise MigrationError(
            f"These indexes are unfinished: {names}. Drop each with `drop index concurrently`, then go on."
        )


def _before_contract(pending: tuple[Revision, ...]) -> tuple[Revision, ...]:
    first = next((place for place, revision in enumerate(pending) if revision.phase is Phase.CONTRACT), len(pending))
    return pending[:first]


def _failure(revision: Revision, error: asyncpg.PostgresError) -> MigrationError:
    position = getattr(error, "position", None)
    line = f", line {revision.sql[: int(position)].count(chr(10)) + 1}" if position else ""
    return MigrationError(f"{revision.file_name}{line}: {error}")
