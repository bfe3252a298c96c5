"""A worker: takes jobs until it is told to stop, then lets running ones end within a ceiling and gives the rest back.

It outlives restarts of PostgreSQL by itself. Anything else that breaks the loop ends the process; whoever started it
starts it again, and what it held goes stale and is taken by another.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from pgqueuer.core.executors import EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.core.sm import SchedulerManager

from payme.runtime.database.direct import LastingConnection
from payme.runtime.database.errors import DatabaseBusy, DatabaseUnavailable
from payme.runtime.jobs.library import CHANNEL, FencedQueries, HandedOver, LastingDriver, NairobiSchedule
from payme.runtime.jobs.runner import Runner
from payme.runtime.jobs.tasks import Tasks
from payme.runtime.jobs.upkeep import bury_unknown, give_back, measure, trim_log

if TYPE_CHECKING:
    from pgqueuer.domain.models import Schedule as DueSchedule

    from payme.runtime.database import Database, UnitOfWork
    from payme.runtime.jobs.context import JobContext
    from payme.runtime.jobs.registry import Registry

_SAME_TICK: Final = timedelta(seconds=30)
_GIVING_BACK_SECONDS: Final = 6.0
_LOG_KEPT: Final = timedelta(days=7)
_log = structlog.get_logger("payme.jobs")

upkeep_tasks = Tasks("jobs")
"""The worker's own jobs; wiring adds them to the features'."""


@upkeep_tasks.every("17 * * * *", "jobs.trim_log")
async def _trim_log(job: JobContext) -> None:
    await job.finish(partial(trim_log, keep=_LOG_KEPT))


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """How a worker behaves, in jobs and seconds. `concurrency` is at least 2.

    `heartbeat_seconds` is how long a silent worker keeps its jobs: below 30 a handler that blocks is overtaken for nothing.
    """

    concurrency: int = 10
    heartbeat_seconds: float = 30.0
    drain_seconds: float = 20.0
    poll_seconds: float = 5.0
    upkeep_seconds: float = 15.0
    unknown_grace_seconds: float = 600.0


class Worker:
    """One process's share of the queue."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        *,
        services: Any = None,
        limits: WorkerLimits | None = None,
        direct_dsn: str | None = None,
    ) -> None:
        """Prepare; nothing is connected. `database` is open in the worker's role; `direct_dsn` leads past any pooler."""
        self.database, self.registry = database, registry
        self.limits = limits or WorkerLimits()
        self._connection = LastingConnection(direct_dsn or database.dsn, role=database.role, name="payme worker")
        queries = FencedQueries(LastingDriver(self._connection))
        self._queue = QueueManager(queries, CHANNEL)
        self._clock = SchedulerManager(queries)
        queries.holder = self._queue.queue_manager_id
        self._runner = Runner(database, registry, services, self._queue.queue_manager_id)
        self._register()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; return when everything that ran has ended or was given back.

        Raises: whatever broke the queue's loop, after the same orderly end.
        """
        tasks = [
            asyncio.create_task(self._take()),
            asyncio.create_task(self._clock.run()),
            asyncio.create_task(self._keep_up()),
        ]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await self._end(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()

    def _register(self) -> None:
        handle: Any = self._runner.run
        for name in self.registry.tasks:
            parameters = EntrypointExecutorParameters(concurrency_limit=0, func=handle, on_failure="hold")
            self._queue.register_executor(name, HandedOver(parameters))
        for schedule in self.registry.schedules:
            self._clock.schedule(schedule.job, schedule.expression, NairobiSchedule)(self._enqueue_scheduled)

    async def _take(self) -> None:
        concurrency = max(self.limits.concurrency, 2)
        await self._queue.run(
            dequeue_timeout=timedelta(seconds=self.limits.poll_seconds),
            batch_size=concurrency // 2,
            max_concurrent_tasks=concurrency,
            heartbeat_timeout=timedelta(seconds=self.limits.heartbeat_seconds),
            log_aggregation_interval=timedelta(0),
        )

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        """Stop taking, let what runs end within the ceiling, then cancel it, which gives it back."""
        self._queue.shutdown.set()
        self._clock.shutdown.set()
        _, left = await asyncio.wait(tasks, timeout=self.limits.drain_seconds)
        for task in left:
            task.cancel()
        if left:
            _log.warning("worker.drain_ceiling", seconds=self.limits.drain_seconds)
            await asyncio.wait(left, timeout=_GIVING_BACK_SECONDS)
        self._connection.close()

    async def _enqueue_scheduled(self, schedule: DueSchedule) -> None:
        # Clocks of two machines may differ by a second; no expression of ours fires twice within half a minute.
        if schedule.last_run is not None and schedule.updated - schedule.last_run < _SAME_TICK:
            return

        async def enqueue(uow: UnitOfWork) -> None:
            uow.enqueue(schedule.entrypoint, {}, dedupe_key=f"schedule:{schedule.entrypoint}")

        await self.database.run(enqueue)

    async def _keep_up(self) -> None:
        holder, silent_for = self._queue.queue_manager_id, timedelta(seconds=self.limits.heartbeat_seconds)

        async def once(uow: UnitOfWork) -> None:
            await give_back(uow, holder, running=[*self._queue.job_context], silent_for=silent_for)
            grace = timedelta(seconds=self.limits.unknown_grace_seconds)
            await bury_unknown(uow, self.registry.tasks.keys(), grace=grace)
            await measure(uow)

        while not self._queue.shutdown.is_set():
            try:
                await self.database.run(once)
            except (DatabaseBusy, DatabaseUnavailable) as error:
                _log.warning("jobs.upkeep_skipped", error=type(error).__name__)
            pause = self.limits.upkeep_seconds * random.uniform(0.8, 1.2)  # noqa: S311 -- jitter is no secret
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._queue.shutdown.wait(), pause)
