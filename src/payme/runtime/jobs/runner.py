"""Runs one picked job: counts the start, calls the handler within its time, writes the outcome under the attempt's number.

Invariant: a start is committed before the handler is called, and nothing is ever written for an attempt that was overtaken.
Where the outcome cannot be written, the job is left as it is and runs again after the heartbeat time-out.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from payme.kit.errors import DomainError, OutcomeUnknown, ProviderError
from payme.runtime.database import DatabaseBusy, DatabaseUnavailable
from payme.runtime.jobs import attempts, metrics
from payme.runtime.jobs.context import FencedDatabase, JobContext
from payme.runtime.jobs.errors import AttemptsExhausted, MalformedPayload, RetryLater, Superseded
from payme.runtime.jobs.outcomes import Bury, Retry, decide, described

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pgqueuer.domain.models import Job

    from payme.runtime.database import Database, UnitOfWork
    from payme.runtime.jobs.attempts import Attempt
    from payme.runtime.jobs.registry import Registry
    from payme.runtime.jobs.tasks import Task

_EXPECTED: Final = (DomainError, ProviderError, DatabaseBusy, DatabaseUnavailable, RetryLater, TimeoutError, MalformedPayload)
_WRITE_SECONDS: Final = 5.0
_log = structlog.get_logger("payme.jobs")


@dataclass(slots=True)
class Runner:
    """The way from a picked job to its outcome."""

    database: Database
    registry: Registry
    services: Any
    worker_id: UUID

    async def run(self, job: Job) -> None:
        """Run one attempt to its end; only a cancellation passes through."""
        log = _log.bind(job=job.entrypoint, job_id=job.id)
        try:
            attempt = await self.database.run(lambda uow: attempts.begin(uow, job.id, self.worker_id))
        except (DatabaseBusy, DatabaseUnavailable) as error:
            log.warning("job.not_begun", error=type(error).__name__)
            return
        if attempt is None:
            return
        task = self.registry.tasks[job.entrypoint]
        log = log.bind(attempt=attempt.counted)
        if attempt.counted > task.attempts:
            name, message = attempt.last_error
            last = f"started {attempt.counted - 1} times; last error: {name} {message}" if name else ""
            error = AttemptsExhausted(last or f"started {attempt.counted - 1} times without an end")
            await self._write(attempt, log, "dead", lambda uow: attempts.bury(uow, attempt, error=described(error)))
            metrics.JOBS.labels(task.name, "dead").inc()
            return
        await self._attempt(job, task, attempt, log)

    async def _attempt(self, job: Job, task: Task, attempt: Attempt, log: Any) -> None:
        began = time.monotonic()
        metrics.RUNNING.inc()
        outcome = "done"
        try:
            context = self._context(job, task, attempt)
            async with asyncio.timeout(task.time_limit.total_seconds()):
                await task.handler(context)
            if not context.finished:
                await self._write(attempt, log, outcome, lambda uow: attempts.finish(uow, attempt))
        except asyncio.CancelledError:
            outcome = "released"
            await asyncio.shield(self._write(attempt, log, outcome, lambda uow: attempts.release(uow, attempt)))
            raise
        except Exception as error:  # noqa: BLE001 -- the edge of a job: every error has an outcome
            outcome = await self._settle(error, task, attempt, log)
        finally:
            metrics.RUNNING.dec()
            metrics.JOBS.labels(task.name, outcome).inc()
            metrics.DURATION.labels(task.name).observe(time.monotonic() - began)
            log.info("job.ended", outcome=outcome, seconds=round(time.monotonic() - began, 3))

    def _context(self, job: Job, task: Task, attempt: Attempt) -> JobContext:
        payload = _decoded(job.payload)
        business = payload.get("business_id")
        return JobContext(
            name=task.name,
            payload=payload,
            business_id=UUID(business) if business else None,
            database=FencedDatabase(self.database, attempt),
            services=self.services,
            last_attempt=attempt.counted >= task.attempts,
        )

    async def _settle(self, error: Exception, task: Task, attempt: Attempt, log: Any) -> str:
        kind, message = described(error)
        foreseen = isinstance(error, _EXPECTED) and not isinstance(error, OutcomeUnknown)
        decision = decide(
            error,
            task,
            counted=attempt.counted,
            age=attempt.age,
            chance=random.random(),  # noqa: S311 -- jitter is no secret
        )
        if isinstance(decision, Retry):
            log.warning("job.failed", error=kind, message=message, exc_info=None if foreseen else error)
            delay = decision.delay
            await self._write(attempt, log, "retry", lambda uow: attempts.retry(uow, attempt, delay=delay, error=(kind, message)))
            return "retry"
        if isinstance(decision, Bury):
            log.error("job.dead", error=kind, message=message, exc_info=None if foreseen else error)
            await self._write(attempt, log, "dead", lambda uow: attempts.bury(uow, attempt, error=(kind, message)))
            return "dead"
        log.warning("job.superseded")
        return "superseded"

    async def _write(self, attempt: Attempt, log: Any, outcome: str, write: Callable[[UnitOfWork], Awaitable[Any]]) -> None:
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                await self.database.run(write)
        except (DatabaseBusy, DatabaseUnavailable, TimeoutError, Superseded) as error:
            log.warning("job.outcome_not_written", outcome=outcome, number=attempt.number, error=type(error).__name__)


def _decoded(payload: bytes | None) -> dict[str, Any]:
    try:
        document = json.loads(payload or b"")
    except ValueError as error:
        message = "not JSON"
        raise MalformedPayload(message) from error
    if not isinstance(document, dict):
        message = "not an object"
        raise MalformedPayload(message)
    return document
