"""A worker under a clock that stands still: it runs one business's jobs at the instants they are due, as fast as it can.

It picks from the real queue and runs the real runner, so that counting, fences, retries and dead letters are the product's. A
job is due so long after it was seen first as it was enqueued to wait; call `look` before the clock is moved by anything else.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

import asyncpg
from pgqueuer.domain.models import Job

from payme.entrypoints.features import all_tasks
from payme.kit.ids import new_id
from payme.kit.time import FrozenClock
from payme.runtime.database import Database
from payme.runtime.jobs import Registry
from payme.runtime.jobs.runner import Runner

AT_ONCE = 6
_WAITING = """select id, updated, execute_after - updated as wait from pgqueuer
    where status = 'queued' and convert_from(payload, 'UTF8')::jsonb ->> 'business_id' = $1::text"""
_PICK = """update pgqueuer set status = 'picked', queue_manager_id = $2, heartbeat = now()
    where id = any($1::bigint[]) and status = 'queued' returning *"""


async def run_jobs(
    queue: asyncpg.Connection, runner: Runner, job_ids: list[int], *, worker_id: UUID, at_once: int
) -> Counter[str]:
    """Pick jobs that are queued and run them, so many at once; return how many of each ran."""
    picked = await queue.fetch(_PICK, job_ids, worker_id)
    places = asyncio.Semaphore(at_once)

    async def run(job: Job) -> None:
        async with places:
            await runner.run(job)

    jobs = [Job.model_validate(dict(row)) for row in picked]
    await asyncio.gather(*map(run, jobs))
    return Counter(job.entrypoint for job in jobs)


@dataclass
class VirtualWorker:
    """The jobs of one business; `database` is in the worker's role and on the clock."""

    database: Database
    clock: FrozenClock
    business_id: UUID
    services: Any
    ran: Counter[str] = field(default_factory=Counter)
    _id: UUID = field(default_factory=new_id)
    _due: dict[int, tuple[datetime, datetime]] = field(default_factory=dict)

    async def open(self) -> Self:
        """Connect to the queue, as its owner."""
        self._queue = await asyncpg.connect(self.database.dsn)
        self._runner = Runner(self.database, Registry.of(all_tasks()), self.services, self._id)
        return self

    async def close(self) -> None:
        await self._queue.close()

    async def look(self) -> None:
        """Note when the jobs that were added since are due."""
        waiting = {row["id"]: row for row in await self._queue.fetch(_WAITING, str(self.business_id))}
        for job_id, row in waiting.items():
            if self._due.get(job_id, (None,))[0] != row["updated"]:
                self._due[job_id] = (row["updated"], self.clock.now() + row["wait"])
        self._due = {job_id: due for job_id, due in self._due.items() if job_id in waiting}

    async def run_for(self, span: timedelta, *, tick: timedelta = timedelta(seconds=30)) -> None:
        """Let time pass, and run what falls due; a job runs at most a tick late and never early."""
        end = self.clock.now() + span
        while True:
            await self.look()
            upcoming = min((due for _, due in self._due.values()), default=end)
            if upcoming >= end:
                self.clock.advance(end - self.clock.now())
                return
            self.clock.advance(max(timedelta(), min(upcoming + tick, end) - self.clock.now()))
            await self._run([job_id for job_id, (_, due) in self._due.items() if due <= self.clock.now()])

    async def _run(self, job_ids: list[int]) -> None:
        self.ran += await run_jobs(self._queue, self._runner, job_ids, worker_id=self._id, at_once=AT_ONCE)
