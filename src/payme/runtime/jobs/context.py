"""What a handler is given: its payload, its business, and a database that refuses to commit for an attempt that is over.

A worker that hung for too long is overtaken: the queue gives its job to another. Its own transactions then raise
`Superseded`, because each of them first locks the attempt under its number.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from payme.kit.actor import SYSTEM, Actor
from payme.runtime.fault_points import FaultPoint, reach
from payme.runtime.jobs import attempts

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
    from uuid import UUID

    from payme.kit.time import Clock
    from payme.runtime.database import Database, UnitOfWork
    from payme.runtime.jobs.attempts import Attempt

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class FencedDatabase:
    """The worker's database as one attempt may use it; the calls are those of `Database`."""

    database: Database
    attempt: Attempt

    @property
    def clock(self) -> Clock:
        """The clock of the database's transactions."""
        return self.database.clock

    async def run(
        self,
        work: Callable[[UnitOfWork], Awaitable[Result]],
        *,
        business_id: UUID | None = None,
        actor: Actor = SYSTEM,
        read_only: bool = False,
    ) -> Result:
        """Run `work` in one transaction and commit it, unless the attempt is over.

        Raises: Superseded, DatabaseBusy, DatabaseUnavailable, and whatever `work` raises.
        """

        async def fenced(uow: UnitOfWork) -> Result:
            if not read_only:
                await attempts.hold(uow, self.attempt)
            return await work(uow)

        return await self.database.run(fenced, business_id=business_id, actor=actor, read_only=read_only)

    @asynccontextmanager
    async def unit_of_work(
        self, *, business_id: UUID | None = None, actor: Actor = SYSTEM, read_only: bool = False
    ) -> AsyncGenerator[UnitOfWork]:
        """Open one transaction; it commits at the end unless the attempt is over. Raises: Superseded."""
        async with self.database.unit_of_work(business_id=business_id, actor=actor, read_only=read_only) as uow:
            if not read_only:
                await attempts.hold(uow, self.attempt)
            yield uow


@dataclass(slots=True)
class JobContext:
    """One attempt at one job."""

    name: str
    payload: Mapping[str, Any]
    business_id: UUID | None
    database: FencedDatabase
    services: Any
    """What wiring gave the worker: clients of the outside world and the like."""
    last_attempt: bool
    """Whether a failure now ends in a dead letter."""
    finished: bool = False

    @property
    def job_id(self) -> int:
        """The queue's number of this job; the same in every attempt."""
        return self.database.attempt.job_id

    async def run(self, work: Callable[[UnitOfWork], Awaitable[Result]], *, actor: Actor = SYSTEM) -> Result:
        """Run `work` in one transaction bound to the job's business. Raises: as `FencedDatabase.run`."""
        return await self.database.run(work, business_id=self.business_id, actor=actor)

    async def finish(self, work: Callable[[UnitOfWork], Awaitable[Result]], *, actor: Actor = SYSTEM) -> Result:
        """Run `work` as the job's last transaction, which also takes the job out of the queue: both or neither.

        The handler must return after it. Raises: as `FencedDatabase.run`.
        """

        async def last(uow: UnitOfWork) -> Result:
            result = await work(uow)
            await attempts.finish(uow, self.database.attempt)
            reach(FaultPoint.JOB_BEFORE_COMMIT)
            return result

        result = await self.run(last, actor=actor)
        self.finished = True
        return result
