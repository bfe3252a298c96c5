"""Runs one picked job: counts the start, calls the handler within its time, writes the outcome under the attempt's number.

Invariant: a start is committed before the handler is called, and nothing is ever written for an attempt that was overtaken.
Where the outcome cannot be written, the job is left as it is and runs again after the heartbeat time-out.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog
from pydantic import TypeAdapter, ValidationError

from payme.kit.errors import DomainError, OutcomeUnknown, ProviderError
from payme.runtime.database import DatabaseBusy, DatabaseUnavailable
from payme.runtime.fault_points import FaultPoint, reach
from payme.runtime.jobs import attempts, metrics
from payme.runtime.jobs.context import FencedDatabase, JobContext
from payme.runtime.jobs.errors import AttemptsExhausted, MalformedPayload, RetryLater, Superseded
from payme.runtime.jobs.outcomes import Bury, Retry, decide, describe
from payme.runtime.observability import report, timed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pgqueuer.domain.models import Job

    from payme.runtime.database import Database, UnitOfWork
    from payme.runtime.jobs.attempts import Attempt
    from payme.runtime.jobs.registry import Registry
    from payme.runtime.jobs.tasks import Task

_OBJECT: Final = TypeAdapter(dict[str, Any])
_EXPECTED: Final = (
    DomainError,
    ProviderError,
    DatabaseBusy,
    DatabaseUnavailable,
    RetryLater,
    TimeoutError,
    MalformedPayload,
    AttemptsExhausted,
    Superseded,
)
_WRITE_SECONDS: Final = 5.0
_LOST_FOR_EACH: Final = 5
"""Starts that may be lost for each that may fail: whoever was at work beside a job that kills its worker is not to blame."""
_log = structlog.get_logger("payme.jobs")


@dataclass(frozen=True, slots=True)
class Runner:
    """The way from a picked job to its outcome."""

    database: Database
    registry: Registry
    services: Any
    worker_id: UUID

    async def run(self, job: Job) -> None:
        """Run one attempt to its end; only a cancellation passes through."""
        task = self.registry.tasks[job.entrypoint]
        try:
            attempt = await self.database.run(lambda uow: attempts.begin(uow, job.id, worker_id=self.worker_id))
        except (DatabaseBusy, DatabaseUnavailable) as error:
            _log.warning("job.not_begun", job=task.name, job_id=job.id, error=type(error).__name__)
            return
        if attempt is not None:
            log = _log.bind(job=task.name, job_id=job.id, attempt=attempt.counted)
            with timed("queue.process", task.name):
                await _Run(self.database, task, attempt, log).run(job.payload, self.services)


@dataclass(frozen=True, slots=True)
class _Run:
    """One attempt on its way."""

    database: Database
    task: Task
    attempt: Attempt
    log: Any

    async def run(self, payload: bytes | None, services: Any) -> None:
        began = time.monotonic()
        metrics.RUNNING.inc()
        outcome = "done"
        try:
            await self._handle(payload, services)
        except asyncio.CancelledError:
            outcome = "released"
            await asyncio.shield(self._write(outcome, lambda uow: attempts.release(uow, self.attempt)))
            raise
        except Exception as error:
            outcome = await self._settle(error)
        finally:
            seconds = time.monotonic() - began
            metrics.RUNNING.dec()
            metrics.JOBS.labels(self.task.name, outcome).inc()
            metrics.DURATION.labels(self.task.name).observe(seconds)
            self.log.info("job.ended", outcome=outcome, seconds=round(seconds, 3))

    async def _handle(self, payload: bytes | None, services: Any) -> None:
        if self.attempt.lost >= (self.task.attempts * _LOST_FOR_EACH if self.task.attempts > 1 else 1):
            raise AttemptsExhausted(
                " ".join((f"begun {self.attempt.lost} times and never ended", *self.attempt.last_error)).strip()
            )
        document = _decoded(payload)
        business = document.get("business_id")
        context = JobContext(
            name=self.task.name,
            payload=document,
            business_id=UUID(business) if business else None,
            database=FencedDatabase(self.database, self.attempt),
            services=services,
            last_attempt=self.attempt.counted >= self.task.attempts,
        )
        async with asyncio.timeout(self.task.time_limit.total_seconds()):
            await self.task.handler(context)
        if not context.finished:
            reach(FaultPoint.JOB_BEFORE_END)
            await self._write("done", lambda uow: attempts.finish(uow, self.attempt))

    async def _settle(self, error: Exception) -> str:
        kind, message = described = describe(error)
        trace = error if not isinstance(error, _EXPECTED) or isinstance(error, OutcomeUnknown) else None
        chance = random.random()  # noqa: S311 -- jitter is no secret
        decision = decide(error, self.task, counted=self.attempt.counted, age=self.attempt.age, chance=chance)
        if isinstance(decision, Retry):
            delay = decision.delay
            self.log.warning("job.failed", error=kind, message=message, exc_info=trace)
            await self._write("retry", lambda uow: attempts.retry(uow, self.attempt, delay=delay, error=described))
            return "retry"
        if isinstance(decision, Bury):
            self.log.error("job.dead", error=kind, message=message, exc_info=trace)
            if trace is not None:
                report(trace, job=self.task.name, job_id=self.attempt.job_id, attempts=self.attempt.counted)
            await self._write("dead", lambda uow: attempts.bury(uow, self.attempt, error=described))
            return "dead"
        self.log.warning("job.superseded")
        return "superseded"

    async def _write(self, outcome: str, write: Callable[[UnitOfWork], Awaitable[Any]]) -> None:
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                await self.database.run(write)
        except (DatabaseBusy, DatabaseUnavailable, TimeoutError, Superseded) as error:
            self.log.warning("job.outcome_not_written", outcome=outcome, error=type(error).__name__)


def _decoded(payload: bytes | None) -> dict[str, Any]:
    try:
        return _OBJECT.validate_json(payload or b"")
    except ValidationError as error:
        raise MalformedPayload("no JSON object") from error
