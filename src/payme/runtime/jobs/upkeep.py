"""What every worker does beside running jobs: give back what it does not run, bury jobs that nobody knows, count what waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from payme.runtime.jobs import attempts, metrics
from payme.runtime.jobs.errors import UnknownJob
from payme.runtime.jobs.outcomes import describe

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from payme.runtime.database import UnitOfWork

_UNKNOWN = """
-- jobs.lock_unknown
select id, entrypoint from pgqueuer
where not (entrypoint = any($1::text[]))
  and ((status = 'queued' and execute_after < now() - $2::interval) or (status = 'picked' and heartbeat < now() - $2::interval))
order by id limit 100 for update skip locked
"""
_GIVE_BACK = """
-- jobs.give_back
update pgqueuer set status = 'queued', queue_manager_id = null, updated = now()
where queue_manager_id = $1 and status = 'picked' and not (id = any($2::bigint[])) and heartbeat < now() - $3::interval
"""
_WAITING = """
-- jobs.count_waiting
select entrypoint, count(*) as jobs, extract(epoch from now() - min(execute_after))::float8 as oldest_seconds
from pgqueuer where status = 'queued' and execute_after <= now() group by entrypoint
"""
_DEAD = "-- jobs.count_dead\nselect count(*) from job_dead_letters where resolution is null"
_STUCK = """
-- jobs.list_stuck
select q.id, q.entrypoint, q.status::text as status, q.execute_after, coalesce(a.started - a.forgiven, 0) as attempts,
  coalesce(a.error_class, '') as error_class
from pgqueuer q left join job_attempts a on a.job_id = q.id
where q.execute_after < now() - $1::interval
  and (q.status = 'queued' or q.status = 'failed' or q.heartbeat < now() - $1::interval)
order by q.execute_after limit $2
"""
_TRIM = """
-- jobs.trim_log
delete from pgqueuer_log where id in (select id from pgqueuer_log where created < now() - $1::interval order by created limit $2)
"""
_log = structlog.get_logger("payme.jobs")


@dataclass(frozen=True, slots=True)
class StuckJob:
    """A job that should have run and did not."""

    job_id: int
    name: str
    status: str
    due_at: datetime
    attempts: int
    error_class: str


async def give_back(uow: UnitOfWork, holder: UUID, *, running: Collection[int], silent_for: timedelta) -> int:
    """Put back what a worker has picked and does not run; return how many.

    A pick whose answer was lost, or whose start could not be written, stays in the worker's name. The library counts it against
    the worker's places, so that as many of them as there are places would keep it from ever picking again.
    """
    count = await uow.execute(_GIVE_BACK, holder, list(running), silent_for)
    if count:
        _log.warning("jobs.given_back", jobs=count)
    return count


async def bury_unknown(uow: UnitOfWork, known: Collection[str], *, grace: timedelta) -> int:
    """Make dead letters of jobs that no task answers to and that were due longer ago than the grace; return how many.

    The grace lets a newer worker take what an older one does not know.
    """
    rows = await uow.fetch(_UNKNOWN, list(known), grace)
    for row in rows:
        _log.error("job.unknown", job=row["entrypoint"], job_id=row["id"])
        await attempts.bury_unstarted(
            uow, row["id"], error=describe(UnknownJob(f"no task is called {row['entrypoint']}"))
        )
    return len(rows)


async def measure(uow: UnitOfWork) -> None:
    """Set the gauges of what waits and what is dead."""
    waiting = await uow.fetch(_WAITING)
    dead = await uow.fetchval(_DEAD)
    metrics.WAITING.clear()
    metrics.AGE.clear()
    for row in waiting:
        metrics.WAITING.labels(row["entrypoint"]).set(row["jobs"])
        metrics.AGE.labels(row["entrypoint"]).set(row["oldest_seconds"])
    metrics.DEAD.set(dead)


async def list_stuck(uow: UnitOfWork, *, overdue: timedelta, limit: int = 100) -> list[StuckJob]:
    """Return the jobs that are overdue by more than so much and that no living worker holds, longest overdue first."""
    rows: list[Any] = await uow.fetch(_STUCK, overdue, limit)
    return [
        StuckJob(row["id"], row["entrypoint"], row["status"], row["execute_after"], row["attempts"], row["error_class"])
        for row in rows
    ]


async def trim_log(uow: UnitOfWork, *, keep: timedelta, limit: int = 10_000) -> int:
    """Delete the library's log of transitions that is older than `keep`; return how many rows went."""
    return await uow.execute(_TRIM, keep, limit)
