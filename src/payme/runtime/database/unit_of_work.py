"""One request, job or synced operation is one UnitOfWork is one transaction.

Reads and locks run at once. Writes of shared rows are deferred and run in one statement, in one order, at the flush
(`write_order`). The tenant is bound by a literal `set local` inside the transaction, so that a pooler cannot leak it.
Only the edge (`Database.run`) commits.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from payme.kit.ids import new_id
from payme.kit.values import value
from payme.runtime.database.errors import translate
from payme.runtime.database.write_order import Deferred, WriteOrder, compose, in_order

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from asyncpg import Connection, Record

    from payme.kit.actor import Actor
    from payme.kit.events import Event

Tool = TypeVar("Tool")

_STORE_REPLY = "idempotency_store($1,$2,$3,$4,$5,$6,{patch})"
_RECORD_CHANGES = "sync_record($1,$2,$3)"
_ENQUEUE = "jobs_enqueue($1,$2,$3,$4)"


@value
class Reply:
    """What is to be answered again when the same idempotency key comes back; `body` is JSON text."""

    scope: str
    key: str
    fingerprint: bytes
    status: int
    body: str


@value
class Closing:
    """A call that stands where a stored reply does: after all that was deferred, which it may take as `{patch}`."""

    call: str
    arguments: tuple[Any, ...]


@dataclass(slots=True)
class _Change:
    collection: str
    document_id: UUID
    branch_id: UUID | None
    is_deleted: bool


@dataclass(slots=True)
class _Job:
    name: str
    payload: str
    execute_after: timedelta | None
    dedupe_key: str | None


@dataclass(frozen=True, slots=True)
class Wiring:
    """Who hears an event, by its name: jobs that run after the commit, reactions that run inside the transaction."""

    jobs: Mapping[str, Sequence[str]] = field(default_factory=dict[str, "Sequence[str]"])
    reactions: Mapping[str, Sequence[Callable[[UnitOfWork, Any], Awaitable[None]]]] = field(
        default_factory=dict[str, "Sequence[Callable[[UnitOfWork, Any], Awaitable[None]]]"]
    )
    tools: Mapping[type[Any], Any] = field(default_factory=dict[type[Any], Any])
    """What services need besides the database (ciphers, limits that settings give), each by its type."""


@dataclass(slots=True)
class UnitOfWork:
    """A transaction bound to at most one business."""

    connection: Connection[Record]
    business_id: UUID | None
    actor: Actor
    now: datetime
    wiring: Wiring
    transaction_id: UUID = field(default_factory=new_id)
    deferred: list[Deferred] = field(default_factory=list[Deferred])
    changes: list[_Change] = field(default_factory=list[_Change])
    jobs: list[_Job] = field(default_factory=list[_Job])
    events: list[Event] = field(default_factory=list["Event"])
    flushed: bool = False
    patch: dict[str, Any] = field(default_factory=dict[str, Any])
    """After the flush: what the deferred calls named in `reply_as` returned."""
    change_sequence: int | None = None
    """The business's counter after this transaction, known after the flush when anything was touched."""

    @property
    def tenant(self) -> UUID:
        """The business this transaction is bound to; asking without one is our own mistake."""
        assert self.business_id is not None, "this unit of work is bound to no business"
        return self.business_id

    def tool(self, kind: type[Tool]) -> Tool:
        """Return the tool of a type that wiring has provided; asking for another is our own mistake."""
        assert kind in self.wiring.tools, f"wiring provides no {kind.__name__}"
        return self.wiring.tools[kind]

    async def fetch(self, sql: str, *arguments: Any) -> list[Record]:
        """Run a query now and return its rows."""
        try:
            return await self.connection.fetch(sql, *arguments)
        except Exception as error:
            raise translate(error) from error

    async def fetchrow(self, sql: str, *arguments: Any) -> Record | None:
        """Run a query now and return its first row, or None."""
        try:
            return await self.connection.fetchrow(sql, *arguments)
        except Exception as error:
            raise translate(error) from error

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        """Run a query now and return the first column of its first row, or None."""
        try:
            return await self.connection.fetchval(sql, *arguments)
        except Exception as error:
            raise translate(error) from error

    async def execute(self, sql: str, *arguments: Any) -> int:
        """Run a statement now and return how many rows it touched."""
        try:
            status = await self.connection.execute(sql, *arguments)
        except Exception as error:
            raise translate(error) from error
        count = status.rsplit(" ", 1)[-1]
        return int(count) if count.isdigit() else 0

    def defer(self, order: WriteOrder, call: str, *arguments: Any, reply_as: str | None = None) -> Deferred:
        """Have a SQL function called at the flush, in its place in the lock order.

        `call` is a constant such as `ledger_post($1,$2)`. With `reply_as`, what it returns (jsonb or text) also goes into the
        stored reply under that name, so that an answer may hold a figure that only the last statement knows.
        """
        assert not self.flushed, "the unit of work is flushed; nothing can be written any more"
        deferred = Deferred(order, call, arguments, reply_as)
        self.deferred.append(deferred)
        return deferred

    def defer_rows(
        self, order: WriteOrder, call: str, fixed: tuple[Any, ...], *, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Have a set-oriented SQL function called once at the flush, with the rows of every such request in this transaction.

        `call` takes the `fixed` arguments and then the rows as JSON. One call locks what it shares once and in one order, which
        several calls would not. Rows travel as JSON because the driver looks at every element of an array three times.
        """
        same = (place for place, each in enumerate(self.deferred) if each.call == call)
        place = next((each for each in same if self.deferred[each].arguments[:-1] == fixed), None)
        if place is None:
            self.defer(order, call, *fixed, list(rows))
            return
        assert not self.flushed, "the unit of work is flushed; nothing can be written any more"
        # A new value and not a longer list, so that a savepoint can put the old one back.
        self.deferred[place] = Deferred(order, call, (*fixed, [*self.deferred[place].arguments[-1], *rows]))

    def touch(
        self, collection: str, document_id: UUID, *, branch_id: UUID | None = None, is_deleted: bool = False
    ) -> None:
        """Note that a synced document changed; at the flush all that was noted is stamped with one number.

        The business's counter is taken for it once, last, after all other locks; a transaction that notes nothing takes none.
        A document with a branch is seen there alone.
        """
        assert not self.flushed, "the unit of work is flushed; nothing can be noted any more"
        self.changes.append(_Change(collection, document_id, branch_id, is_deleted))

    def publish(self, event: Event) -> None:
        """Record what happened and enqueue each subscriber's job, all in this transaction; reactions run at the flush."""
        assert not self.flushed, "the unit of work is flushed; nothing can be published any more"
        self.events.append(event)
        for job in self.wiring.jobs.get(event.name, ()):
            self.enqueue(job, event.payload(), dedupe_key=f"{job}:{event.name}:{event.subject_id}")

    def enqueue(
        self,
        name: str,
        payload: Mapping[str, Any],
        *,
        execute_after: timedelta | None = None,
        dedupe_key: str | None = None,
    ) -> None:
        """Have a job run after this transaction commits, and only if it does.

        The payload is JSON values; the business is added to it. While a job with the same `dedupe_key` waits or runs, a
        second one is not added.
        """
        assert not self.flushed, "the unit of work is flushed; nothing can be enqueued any more"
        bound = str(self.business_id) if self.business_id else None
        document = {"business_id": bound, **payload}
        self.jobs.append(_Job(name, json.dumps(document, default=str), execute_after, dedupe_key))

    async def flush(self, reply: Reply | Closing | None = None) -> str | None:
        """Run all deferred writes as one statement; return the stored reply's body where there is one, or what closes it.

        Raises: any domain error that a SQL function or a named constraint stands for.
        """
        await self._react()
        self._defer_jobs()
        calls = in_order(self.deferred)
        tail, arguments = self._tail(reply)
        self.flushed = True
        if not calls and not tail:
            return None
        patches = tuple((each.reply_as, place) for place, each in enumerate(calls) if each.reply_as)
        sql = compose(tuple(each.call for each in calls), patches, tail)
        row = await self.fetchrow(sql, *(value for each in calls for value in each.arguments), *arguments)
        assert row is not None, "a select without a condition has a row"
        for place, each in enumerate(calls):
            each.settle(row[place])
        self.patch = {name: row[place] for name, place in patches}
        if self._has_changes:
            self.change_sequence = row[-1]
        return row["t0"] if reply else None

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Undo what happens inside, deferred writes and a flush included, when it raises."""
        waiting = (self.deferred, self.changes, self.jobs, self.events)
        before, was_flushed = [list[Any](each) for each in waiting], self.flushed
        await self.connection.execute("savepoint inner_work")
        try:
            yield
        except BaseException:
            await self.connection.execute("rollback to savepoint inner_work")
            for each, earlier in zip(waiting, before, strict=True):
                each[:] = earlier
            self.flushed = was_flushed
            raise
        await self.connection.execute("release savepoint inner_work")

    @property
    def _has_changes(self) -> bool:
        return self.business_id is not None and bool(self.changes or self.events)

    async def _react(self) -> None:
        for event in tuple(self.events):
            for reaction in self.wiring.reactions.get(event.name, ()):
                await reaction(self, event)

    def _defer_jobs(self) -> None:
        if self.jobs:
            self.defer(
                WriteOrder.COLD,
                _ENQUEUE,
                [job.name for job in self.jobs],
                [job.payload for job in self.jobs],
                [job.execute_after for job in self.jobs],
                [job.dedupe_key for job in self.jobs],
            )

    def _tail(self, reply: Reply | Closing | None) -> tuple[tuple[str, ...], list[Any]]:
        tail: list[str] = []
        arguments: list[Any] = []
        if isinstance(reply, Closing):
            tail.append(reply.call)
            arguments += reply.arguments
        elif reply:
            tail.append(_STORE_REPLY)
            arguments += [self.tenant, reply.scope, reply.key, reply.fingerprint, reply.status, reply.body]
        if self._has_changes:
            tail.append(_RECORD_CHANGES)
            arguments += [self.tenant, self._change_rows(), self._event_rows()]
        return tuple(tail), arguments

    def _change_rows(self) -> list[dict[str, Any]]:
        latest = {(change.collection, change.document_id): change for change in self.changes}
        ordered = sorted(latest.values(), key=lambda change: (change.collection, change.document_id))
        return [
            {
                "collection": change.collection,
                "document_id": change.document_id,
                "branch_id": change.branch_id,
                "deleted": change.is_deleted,
            }
            for change in ordered
        ]

    def _event_rows(self) -> list[dict[str, Any]]:
        return [
            {"id": new_id(), "name": event.name, "subject_id": event.subject_id, "payload": event.payload()}
            for event in self.events
        ]
