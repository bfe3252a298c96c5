"""Jobs that gave up, for the operator: list them, run one again, or drop it with a reason. Rows are kept for ever.

Invariant: a dead letter is resolved once, by somebody who is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from payme.runtime.jobs.attempts import bury_unstarted
from payme.runtime.jobs.errors import DeadLetterNotFound, DeadLetterResolved

if TYPE_CHECKING:
    from datetime import datetime

    from payme.runtime.database import UnitOfWork

_LIST = """
-- jobs.list_dead_letters
select id, name, convert_from(payload, 'UTF8') as payload, attempts, error_class, error_message, enqueued_at, died_at
from job_dead_letters where resolution is null order by died_at, id limit $1
"""
_LOCK = "-- jobs.lock_dead_letter\nselect resolution from job_dead_letters where id = $1 for update"
_REQUEUE = """
-- jobs.requeue_dead_letter
select jobs_enqueue(array[name], array[convert_from(payload, 'UTF8')], array[null::interval], array[dedupe_key])
from job_dead_letters where id = $1
"""
_RESOLVE = """
-- jobs.resolve_dead_letter
update job_dead_letters set resolution = $2, resolution_reason = $3, resolved_at = now(), resolved_by = $4 where id = $1
"""
_LOCK_WAITING = "-- jobs.lock_waiting\nselect id from pgqueuer where entrypoint = $1 order by id for update"
_QUEUE = """
-- jobs.list_queue
select entrypoint as name, status::text as status, count(*) as jobs, min(execute_after) as oldest_due_at
from pgqueuer group by 1, 2 order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that will not run again by itself; `payload` is JSON text."""

    id: int
    name: str
    payload: str
    attempts: int
    error_class: str
    error_message: str
    enqueued_at: datetime
    died_at: datetime


@dataclass(frozen=True, slots=True)
class QueuedJobs:
    """How many jobs of one name stand in one state, and when the first of them was or is due."""

    name: str
    status: str
    jobs: int
    oldest_due_at: datetime


async def list_dead_letters(uow: UnitOfWork, *, limit: int = 100) -> list[DeadLetter]:
    """Return the dead letters that nobody has resolved, oldest first."""
    rows: list[Any] = await uow.fetch(_LIST, limit)
    return [DeadLetter(**dict(row)) for row in rows]


async def list_queue(uow: UnitOfWork) -> list[QueuedJobs]:
    """Return what stands in the queue, by name and state."""
    rows: list[Any] = await uow.fetch(_QUEUE)
    return [QueuedJobs(**dict(row)) for row in rows]


async def retry_dead_letter(uow: UnitOfWork, dead_letter_id: int, *, by: str) -> None:
    """Enqueue the job again with a full count of attempts; a job of its dedupe key that waits already is enough.

    Raises: DeadLetterNotFound, DeadLetterResolved.
    """
    await _lock(uow, dead_letter_id)
    await uow.fetch(_REQUEUE, dead_letter_id)
    await uow.execute(_RESOLVE, dead_letter_id, "retried", "", by)


async def drop_dead_letter(uow: UnitOfWork, dead_letter_id: int, *, reason: str, by: str) -> None:
    """Close the matter without running the job. Raises: DeadLetterNotFound, DeadLetterResolved."""
    await _lock(uow, dead_letter_id)
    await uow.execute(_RESOLVE, dead_letter_id, "dropped", reason, by)


async def set_aside(uow: UnitOfWork, name: str, *, reason: str) -> int:
    """Make dead letters of all jobs of a name, for a person to decide about, and return how many."""
    rows: list[Any] = await uow.fetch(_LOCK_WAITING, name)
    for row in rows:
        await bury_unstarted(uow, row["id"], error=("SetAside", reason))
    return len(rows)


async def _lock(uow: UnitOfWork, dead_letter_id: int) -> None:
    row = await uow.fetchrow(_LOCK, dead_letter_id)
    if row is None:
        raise DeadLetterNotFound(id=dead_letter_id)
    if row["resolution"] is not None:
        raise DeadLetterResolved(id=dead_letter_id, resolution=row["resolution"])
