"""The life of one attempt in SQL: begin, hold, finish, retry, release, bury.

The row in `job_attempts` is both the count of starts, written before anything runs, and the fence: an attempt's
transactions lock it under their own number. Invariant: the queue's row leaves or returns only together with that row, in
one statement, under that number. Lock order: `job_attempts`, then the queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from payme.runtime.jobs.errors import Superseded

if TYPE_CHECKING:
    from payme.runtime.database import UnitOfWork

_LOCK = "-- jobs.lock_attempts\nselect 1 from job_attempts where job_id = $1 for update"
_BEGIN = """
-- jobs.begin_attempt
insert into job_attempts as kept (job_id, name, worker_id)
select id, entrypoint, queue_manager_id from pgqueuer
where id = $1 and queue_manager_id = $2 and status = 'picked'
for update
on conflict (job_id) do update
set started = kept.started + 1, worker_id = excluded.worker_id, last_started_at = clock_timestamp()
returning started, forgiven, first_started_at, clock_timestamp() as now, error_class, error_message,
  (select attempts from pgqueuer where id = $1) as failed
"""
_HOLD = "-- jobs.hold_attempt\nselect 1 from job_attempts where job_id = $1 and started = $2 for update"
_FINISH = """
-- jobs.finish_attempt
with mine as (delete from job_attempts where job_id = $1 and started = $2 returning job_id),
gone as (delete from pgqueuer where id = (select job_id from mine) returning id, entrypoint, priority)
insert into pgqueuer_log (job_id, status, entrypoint, priority) select id, 'successful', entrypoint, priority from gone
"""
_RETRY = """
-- jobs.retry_attempt
with mine as (
  update job_attempts set error_class = $4, error_message = $5 where job_id = $1 and started = $2 returning job_id
), back as (
  update pgqueuer set status = 'queued', execute_after = clock_timestamp() + $3, attempts = attempts + 1,
    queue_manager_id = null, updated = now()
  where id = (select job_id from mine) returning id, entrypoint, priority
)
insert into pgqueuer_log (job_id, status, entrypoint, priority) select id, 'queued', entrypoint, priority from back
"""
_RELEASE = """
-- jobs.release_attempt
with mine as (update job_attempts set forgiven = forgiven + 1 where job_id = $1 and started = $2 returning job_id),
back as (
  update pgqueuer set status = 'queued', execute_after = now(), queue_manager_id = null, updated = now()
  where id = (select job_id from mine) returning id, entrypoint, priority
)
insert into pgqueuer_log (job_id, status, entrypoint, priority) select id, 'queued', entrypoint, priority from back
"""
_BURY = """
-- jobs.bury
with known as (delete from job_attempts where job_id = $1 returning job_id, started - forgiven as attempts, first_started_at),
gone as (delete from pgqueuer where id = $1 returning id, entrypoint, priority, payload, dedupe_key, created),
dead as (
  insert into job_dead_letters
    (job_id, name, payload, dedupe_key, attempts, error_class, error_message, enqueued_at, first_started_at)
  select gone.id, gone.entrypoint, coalesce(gone.payload, ''), gone.dedupe_key, coalesce(known.attempts, 0), $2, $3,
    gone.created, known.first_started_at
  from gone left join known on known.job_id = gone.id
)
insert into pgqueuer_log (job_id, status, entrypoint, priority) select id, 'exception', entrypoint, priority from gone
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of one job. `number` fences it.

    `counted` is this start and those that failed, which the task's ceiling looks at; `lost` are the starts of which nobody heard
    again, because the process died, perhaps by another job's fault.
    """

    job_id: int
    number: int
    counted: int
    lost: int
    age: timedelta
    last_error: tuple[str, str]


async def begin(uow: UnitOfWork, job_id: int, *, worker_id: UUID) -> Attempt | None:
    """Count a start, or return None where the job is gone or another worker holds it.

    Waits for a transaction of an older attempt that is still open. Raises: DatabaseBusy when that takes too long.
    """
    await uow.fetch(_LOCK, job_id)
    row = await uow.fetchrow(_BEGIN, job_id, worker_id)
    if row is None:
        return None
    first: datetime = row["first_started_at"]
    return Attempt(
        job_id=job_id,
        number=row["started"],
        counted=row["failed"] + 1,
        lost=row["started"] - row["forgiven"] - row["failed"] - 1,
        age=row["now"] - first,
        last_error=(row["error_class"], row["error_message"]),
    )


async def hold(uow: UnitOfWork, attempt: Attempt) -> None:
    """Lock the attempt for this transaction, so that a newer one waits for it. Raises: Superseded."""
    if await uow.fetchrow(_HOLD, attempt.job_id, attempt.number) is None:
        raise Superseded(str(attempt.job_id))


async def finish(uow: UnitOfWork, attempt: Attempt) -> None:
    """Take the job out of the queue, done. Raises: Superseded."""
    _require(await uow.execute(_FINISH, attempt.job_id, attempt.number), attempt)


async def retry(uow: UnitOfWork, attempt: Attempt, *, delay: timedelta, error: tuple[str, str]) -> None:
    """Put the job back, to run after the delay. Raises: Superseded."""
    _require(await uow.execute(_RETRY, attempt.job_id, attempt.number, delay, *error), attempt)


async def release(uow: UnitOfWork, attempt: Attempt) -> None:
    """Put the job back at once and give the start back, because nothing was wrong with it. Raises: Superseded."""
    _require(await uow.execute(_RELEASE, attempt.job_id, attempt.number), attempt)


async def bury(uow: UnitOfWork, attempt: Attempt, *, error: tuple[str, str]) -> None:
    """Take the job out of the queue and keep it as a dead letter. Raises: Superseded."""
    await hold(uow, attempt)
    _require(await uow.execute(_BURY, attempt.job_id, *error), attempt)


async def bury_unstarted(uow: UnitOfWork, job_id: int, *, error: tuple[str, str]) -> bool:
    """Keep a job that never began as a dead letter; the caller has locked its row. Return whether it was there."""
    return await uow.execute(_BURY, job_id, *error) == 1


def _require(touched: int, attempt: Attempt) -> None:
    if touched != 1:
        raise Superseded(str(attempt.job_id))
