"""The pool and the edge of every transaction: open, run, flush, commit; retry what was merely busy, within a ceiling.

A connection takes its role when it is made and nothing else for the session, or, behind a transaction pooler, each
transaction takes it; the pool is fixed and warm, because the first
statements of a new backend cost ten times a sale. One business may hold only a share of the pool, so that a stuck shop does
not stop the others.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

import asyncpg
from pydantic_core import to_json

from payme.kit.actor import SYSTEM, Actor
from payme.kit.time import Clock, SystemClock
from payme.runtime.database.errors import DatabaseBusy, DatabaseUnavailable, TransactionAborted, translate
from payme.runtime.database.roles import APP_ROLE, take_role
from payme.runtime.database.unit_of_work import UnitOfWork, Wiring

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from asyncpg import Connection, Pool, Record

Result = TypeVar("Result")
SERVER_SETTINGS: Final = {
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "timezone": "UTC",
    # A plan lives as long as its connection: one made while a table was empty would read all of it once it is full.
    "enable_seqscan": "off",
}
_STATEMENTS: Final = 100
POOLED_SETTINGS: Final = {"timezone": "UTC"}
"""The one of them that a transaction pooler lets pass; what is said for a session would be the next client's too."""

_GIVE_BACK_SECONDS: Final = 0.5
"""How long a rollback, or a statement that was given up, may take; then the connection is dropped."""
_BROKEN: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How the pool behaves: connections, and seconds that each kind of waiting may take."""

    connections: int = 12
    acquire_seconds: float = 5.0
    lock_seconds: float = 2.0
    statement_seconds: float = 30.0
    attempts: int = 3
    share_of_one_business: float = 0.75
    pooled: bool = False
    """Whether a transaction pooler stands between, so that nothing lasts longer than a transaction: no role, no statement."""


class Database:
    """A pool of connections in one role, and the transactions that run on it."""

    def __init__(
        self,
        dsn: str,
        *,
        role: str | None = APP_ROLE,
        limits: PoolLimits | None = None,
        clock: Clock | None = None,
        wiring: Wiring | None = None,
    ) -> None:
        self.dsn, self.role = dsn, role
        self.limits = limits or PoolLimits()
        self.clock = clock or SystemClock()
        self.wiring = wiring or Wiring()
        self.commit_listeners: list[Callable[[UUID, int], None]] = []
        self.retries = 0
        self.works_as_owner = False
        """Whether this server keeps the role from us; forced row-level security binds the owner too."""
        self._pool: Pool[Record] | None = None
        self._gates: dict[UUID, asyncio.Semaphore] = {}
        self._waiting: defaultdict[UUID, int] = defaultdict(int)

    @property
    def pool(self) -> Pool[Record]:
        """The open pool."""
        assert self._pool is not None, "the database is not open"
        return self._pool

    @property
    def is_open(self) -> bool:
        """Whether the pool is there."""
        return self._pool is not None

    async def open(self) -> Database:
        """Connect every connection of the pool now. Raises: DatabaseUnavailable."""
        try:
            self._pool = await asyncpg.create_pool(
                self.dsn,
                min_size=self.limits.connections,
                max_size=self.limits.connections,
                max_inactive_connection_lifetime=0,
                command_timeout=self.limits.statement_seconds,
                server_settings=POOLED_SETTINGS if self.limits.pooled else SERVER_SETTINGS,
                statement_cache_size=0 if self.limits.pooled else _STATEMENTS,
                init=self._prepare_connection,
                reset=_leave_as_it_is,
            )
        except Exception as error:
            raise translate(error) from error
        return self

    async def close(self) -> None:
        """Let running statements end, then close every connection."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def run(
        self,
        work: Callable[[UnitOfWork], Awaitable[Result]],
        *,
        business_id: UUID | None = None,
        actor: Actor = SYSTEM,
        read_only: bool = False,
    ) -> Result:
        """Run `work` in one transaction, flush and commit; run it again when the rows were merely busy.

        `work` must have no effect outside the transaction. Raises: DatabaseBusy after the last attempt, DatabaseUnavailable,
        and whatever `work` raises.
        """
        for attempt in range(1, self.limits.attempts + 1):
            try:
                async with self.unit_of_work(business_id=business_id, actor=actor, read_only=read_only) as uow:
                    return await work(uow)
            except DatabaseBusy:
                if attempt == self.limits.attempts:
                    raise
                self.retries += 1
                await asyncio.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 -- jitter is no secret
        raise AssertionError

    @asynccontextmanager
    async def unit_of_work(
        self, *, business_id: UUID | None = None, actor: Actor = SYSTEM, read_only: bool = False
    ) -> AsyncGenerator[UnitOfWork]:
        """Open one transaction; flush and commit it at the end, roll it back when the body raises.

        Raises: TransactionAborted where the body hid the failure of a statement.
        """
        async with self._share(business_id), self._connection() as connection:
            uow = UnitOfWork(connection, business_id, actor, self.clock.now(), self.wiring)
            try:
                await connection.execute(self._begin(business_id, read_only=read_only))
                yield uow
                if not uow.flushed:
                    await uow.flush()
                if await connection.execute("commit") != "COMMIT":
                    # The server answers so, and with no error, where a statement failed and somebody hid it.
                    raise TransactionAborted
            except BaseException as error:
                await _roll_back(connection)
                if isinstance(error, Exception):
                    translated = translate(error)
                    if translated is not error:
                        raise translated from error
                raise
        if uow.change_sequence is not None and business_id is not None:
            for listener in self.commit_listeners:
                listener(business_id, uow.change_sequence)

    def _begin(self, business_id: UUID | None, *, read_only: bool) -> str:
        begin = (
            f"begin{' read only' if read_only else ''}; set local lock_timeout = {int(self.limits.lock_seconds * 1000)}"
        )
        if self.limits.pooled:
            begin += "; set local jit = off" + (
                f'; set local role "{self.role}"' if self.role and not self.works_as_owner else ""
            )
        if business_id is None:
            return begin
        return f"{begin}; set local payme.business_id = '{UUID(int=business_id.int)}'"

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Connection[Record]]:
        try:
            # The pool's own time-out makes a task for every acquisition.
            async with asyncio.timeout(self.limits.acquire_seconds):
                connection = await self.pool.acquire()
        except Exception as error:
            raise DatabaseUnavailable(type(error).__name__) from error
        try:
            yield connection  # pyright: ignore[reportReturnType] -- the pool's proxy has every method of a connection
        finally:
            # The pool drops a connection that it cannot have back in time; what went wrong with it is told already.
            with suppress(*_BROKEN):
                await self.pool.release(connection, timeout=_GIVE_BACK_SECONDS)

    @asynccontextmanager
    async def _share(self, business_id: UUID | None) -> AsyncGenerator[None]:
        if business_id is None:
            yield
            return
        places = max(1, int(self.limits.connections * self.limits.share_of_one_business))
        gate = self._gates.setdefault(business_id, asyncio.Semaphore(places))
        self._waiting[business_id] += 1
        try:
            try:
                await asyncio.wait_for(gate.acquire(), self.limits.acquire_seconds if gate.locked() else None)
            except TimeoutError as error:
                raise DatabaseUnavailable("the share of one business is taken") from error
            try:
                yield
            finally:
                gate.release()
        finally:
            self._waiting[business_id] -= 1
            if not self._waiting[business_id]:
                del self._waiting[business_id], self._gates[business_id]

    async def _prepare_connection(self, connection: Connection[Record]) -> None:
        async with connection.transaction():
            for kind in ("json", "jsonb"):
                await connection.set_type_codec(kind, schema="pg_catalog", encoder=_as_json, decoder=json.loads)
        if self.role is not None:
            self.works_as_owner = not await take_role(connection, self.role, lasting=not self.limits.pooled)


def _as_json(value: object) -> str:
    return to_json(value, fallback=str).decode()


async def _leave_as_it_is(connection: Connection[Any]) -> None:
    assert not connection.is_in_transaction(), "a connection came back inside a transaction"


async def _roll_back(connection: Connection[Record]) -> None:
    try:
        if not connection.is_closed() and connection.is_in_transaction():
            await connection.execute("rollback", timeout=_GIVE_BACK_SECONDS)
    except _BROKEN:
        # The pool takes a connection that the server ended; asking it anything would hide why it was ended.
        with suppress(asyncpg.InterfaceError):
            connection.terminate()
