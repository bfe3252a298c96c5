"""A worker under a clock that stands still, for every business at once: it runs the jobs of the real queue when they are due.

The runner is the real one, so that counting, fences, retries and dead letters are the product's. `tests/virtual_worker.py` is the
same for one business with few jobs; this one looks only at what is new in the queue.
"""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

import asyncpg

from payme.entrypoints.features import all_tasks
from payme.kit.ids import new_id
from payme.kit.time import FrozenClock
from payme.runtime.database import Database
from payme.runtime.jobs import Registry
from payme.runtime.jobs.runner import Runner
from tests.virtual_worker import run_jobs

AT_ONCE: Final = 14
LATE: Final = {"payments.pull": timedelta(minutes=2)}
"""How late a job may run, so that several run at once; others run at most `TICK` late, and none early."""
TICK: Final = timedelta(seconds=5)
_NEW: Final = """select id, entrypoint, execute_after - updated as wait from pgqueuer
    where status = 'queued' and (id > $1 or id = any($2::bigint[]))"""
_OVERLAP: Final = 200
"""A number may be drawn before, and committed after, one that was seen."""


@dataclass
class Worker:
    """The jobs of everybody; `database` is in the worker's role and on the clock."""

    database: Database
    clock: FrozenClock
    services: Any
    ran: Counter[str] = field(default_factory=Counter)
    _id: UUID = field(default_factory=new_id)
    _due: list[tuple[datetime, int]] = field(default_factory=list)
    _known: set[int] = field(default_factory=set)
    _last: int = 0

    async def open(self) -> Self:
        """Connect to the queue, as its owner."""
        self._queue = await asyncpg.connect(self.database.dsn)
        self._registry = Registry.of(all_tasks())
        self._runner = Runner(self.database, self._registry, self.services, self._id)
        return self

    async def close(self) -> None:
        await self._queue.close()

    @property
    def schedules(self) -> dict[str, str]:
        """The jobs that the clock enqueues, each with its cron expression."""
        return {each.job: each.expression for each in self._registry.schedules}

    @property
    def next_due(self) -> datetime | None:
        """When the next job is due, and the slack that it is given."""
        return self._due[0][0] if self._due else None

    async def run_due(self) -> int:
        """Run what is due, and what that makes due at once; return how many jobs ran."""
        count, ids = 0, list[int]()
        while True:
            await self._look(ids)
            ids = []
            while self._due and self._due[0][0] <= self.clock.now():
                ids.append(heapq.heappop(self._due)[1])
            if not ids:
                return count
            count += len(ids)
            await self._run(ids)

    async def _look(self, ran: list[int]) -> None:
        self._known.difference_update(ran)
        for row in await self._queue.fetch(_NEW, self._last - _OVERLAP, ran):
            if row["id"] in self._known:
                continue
            self._known.add(row["id"])
            self._last = max(self._last, row["id"])
            slack = LATE.get(row["entrypoint"], TICK if row["wait"] > TICK else timedelta())
            heapq.heappush(self._due, (_rounded(self.clock.now() + row["wait"], slack), row["id"]))

    async def _run(self, job_ids: list[int]) -> None:
        self.ran += await run_jobs(self._queue, self._runner, job_ids, worker_id=self._id, at_once=AT_ONCE)


def _rounded(due: datetime, slack: timedelta) -> datetime:
    """Return the first multiple of the slack that is not before an instant."""
    if not slack:
        return due
    over = timedelta(seconds=due.timestamp() % slack.total_seconds())
    return due + slack - over if over else due
