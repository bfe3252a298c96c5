"""Jobs for the tests of the queue: they count their runs and effects, hang, block, fail and kill their worker on demand."""

import asyncio
import os
import signal
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from payme.kit.errors import OutcomeUnknown, ProviderUnavailable, Refused
from payme.runtime.database import UnitOfWork
from payme.runtime.jobs import Backoff, JobContext, RetryLater, Tasks

SCHEMA = """
create table probe_runs (job_id bigint not null, number integer not null, pid integer not null, primary key (job_id, number));
create table probe_effects (id bigint generated always as identity primary key, cause text not null, number integer not null);
create table probe_unique_effects (cause text primary key, number integer not null);
grant select, insert on probe_runs, probe_effects, probe_unique_effects to payme_worker;
"""
QUICK = Backoff(first=timedelta(milliseconds=10), longest=timedelta(milliseconds=20))
LONGEST_BLOCK_SECONDS = 30
tasks = Tasks("probe")


class Unwilling(Refused):
    """The probe will not."""

    code = "probe.unwilling"


ERRORS: dict[str, Exception] = {
    "unwilling": Unwilling(),
    "unavailable": ProviderUnavailable("later"),
    "unknown": OutcomeUnknown("who knows, ask 254712345678"),
    "bug": KeyError("oversight"),
    "later": RetryLater("not yet", after=timedelta(milliseconds=1)),
}


async def _note_run(job: JobContext) -> int:
    number = job.database.attempt.number

    async def note(uow: UnitOfWork) -> None:
        await uow.execute("insert into probe_runs values ($1, $2, $3)", job.job_id, number, os.getpid())

    await job.run(note)
    return number


async def _act(uow: UnitOfWork, job: JobContext, *, table: str = "probe_effects") -> None:
    clause = " on conflict do nothing" if table == "probe_unique_effects" else ""
    sql = f"insert into {table} (cause, number) values ($1, $2){clause}"
    await uow.execute(sql, job.payload["cause"], job.database.attempt.number)


async def _hang_at(job: JobContext, place: str, number: int) -> None:
    if number == 1 and job.payload.get("hang") == place:
        await asyncio.sleep(3600)


@tasks.job("probe.effect", attempts=5, backoff=QUICK, time_limit=timedelta(hours=1))
async def effect(job: JobContext) -> None:
    """Have an effect under a unique cause, hanging where the payload says on the first attempt."""
    number = await _note_run(job)
    await _hang_at(job, "before", number)
    await job.run(partial(_act, job=job, table="probe_unique_effects"))
    await _hang_at(job, "after", number)


@tasks.job("probe.finish", attempts=5, backoff=QUICK, time_limit=timedelta(hours=1))
async def finish(job: JobContext) -> None:
    """Have an effect without a unique cause, in the transaction that ends the job."""
    number = await _note_run(job)
    await job.finish(partial(_act, job=job))
    await _hang_at(job, "after", number)


def _block(job: JobContext) -> None:
    """Hold up the event loop on the first attempt until a file is there: the mistake that is tested."""
    end = time.monotonic() + LONGEST_BLOCK_SECONDS
    while job.database.attempt.number == 1 and not Path(job.payload["until"]).exists() and time.monotonic() < end:
        time.sleep(0.02)


@tasks.job("probe.block_outside", attempts=5, backoff=QUICK)
async def block_outside(job: JobContext) -> None:
    """Block, then have an effect without a unique cause."""
    await _note_run(job)
    _block(job)
    await job.run(partial(_act, job=job))


@tasks.job("probe.block_inside", attempts=5, backoff=QUICK)
async def block_inside(job: JobContext) -> None:
    """Block inside the transaction of an effect without a unique cause."""
    await _note_run(job)

    async def work(uow: UnitOfWork) -> None:
        _block(job)
        await _act(uow, job)

    await job.finish(work)


@tasks.job("probe.poison", attempts=2, backoff=QUICK)
async def poison(job: JobContext) -> None:
    """Kill the worker, every time."""
    await _note_run(job)
    os.kill(os.getpid(), signal.SIGKILL)


@tasks.job("probe.once", attempts=1, backoff=QUICK)
async def once(job: JobContext) -> None:
    """Kill the worker, though it may be begun no second time."""
    await _note_run(job)
    os.kill(os.getpid(), signal.SIGKILL)


@tasks.job("probe.fail", attempts=3, backoff=QUICK)
async def fail(job: JobContext) -> None:
    """Raise what the payload names, as often as it says; then have an effect."""
    number = await _note_run(job)
    times: Any = job.payload.get("times")
    if times is None or number <= times:
        raise ERRORS[job.payload["error"]]
    await job.run(partial(_act, job=job))


@tasks.job("probe.slow", attempts=3, backoff=QUICK, time_limit=timedelta(hours=1))
async def slow(job: JobContext) -> None:
    """Take some seconds, then have an effect."""
    await _note_run(job)
    await asyncio.sleep(job.payload["seconds"])
    await job.run(partial(_act, job=job))


@tasks.job("probe.endless", attempts=2, backoff=QUICK, time_limit=timedelta(milliseconds=50))
async def endless(job: JobContext) -> None:
    """Never end."""
    await _note_run(job)
    await asyncio.sleep(3600)


@tasks.every("0 3 * * *", "probe.nightly")
async def nightly(job: JobContext) -> None:
    """Have an effect each night."""
    await _note_run(job)

    async def work(uow: UnitOfWork) -> None:
        await uow.execute("insert into probe_effects (cause, number) values ('nightly', 1)")

    await job.finish(work)
