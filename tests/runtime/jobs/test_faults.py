"""Workers of their own processes that are killed, hang, block and are stopped; and a PostgreSQL that restarts."""

import asyncio
import signal
import subprocess
import time
from pathlib import Path

import asyncpg
import pytest

from payme.runtime.database import Database, PoolLimits
from payme.runtime.database.embedded import EmbeddedServer
from payme.runtime.database.migrations import Migrator
from payme.runtime.jobs import Registry
from payme.runtime.jobs.worker import Worker
from tests.postgres import VERSIONS
from tests.runtime.jobs import probe
from tests.runtime.jobs.conftest import SCALED, Queue, until

pytestmark = pytest.mark.faults


async def ended(process: subprocess.Popen) -> int:
    """Wait for a process and return its code."""

    async def code() -> tuple[int] | None:
        found = process.poll()
        return None if found is None else (found,)

    return (await until(code))[0]


@pytest.mark.parametrize("place", ["before", "after"])
async def test_a_killed_workers_job_runs_again_elsewhere_and_its_effect_once(queue: Queue, place: str) -> None:
    first = queue.spawn()
    await queue.enqueue("probe.effect", {"cause": "a", "hang": place})
    table = "probe_runs" if place == "before" else "probe_unique_effects"
    await until(lambda: queue.count(table))
    first.send_signal(signal.SIGKILL)
    second = queue.spawn()
    await until(queue.is_empty)
    pids = [row["pid"] for row in await queue.owner.fetch("select pid from probe_runs order by number")]
    assert pids == [first.pid, second.pid]
    assert await queue.count("probe_unique_effects") == 1
    assert await queue.count("job_dead_letters") == 0


async def test_a_job_that_ended_with_its_effect_does_not_run_again_after_a_kill(queue: Queue) -> None:
    first = queue.spawn()
    await queue.enqueue("probe.finish", {"cause": "a", "hang": "after"})
    await until(lambda: queue.count("probe_effects"))
    # The effect and the end of the job were one commit, so there is no moment at which a kill could come between.
    first.send_signal(signal.SIGKILL)
    assert await queue.is_empty()
    assert await queue.count("probe_effects") == 1


async def test_a_job_that_kills_every_worker_stops_at_its_ceiling(queue: Queue) -> None:
    await queue.enqueue("probe.poison")
    kills = 0
    process = queue.spawn()

    async def dead() -> bool:
        nonlocal kills, process
        if process.poll() is not None:
            assert process.returncode == -signal.SIGKILL
            kills += 1
            process = queue.spawn()
        return bool(await queue.count("job_dead_letters"))

    await until(dead, seconds=60)
    # Five for each of its two attempts: whoever was only at work beside it must not be buried for its deaths.
    assert kills == 10
    assert await queue.count("job_dead_letters", "error_class = 'AttemptsExhausted' and attempts = 11") == 1
    assert await queue.is_empty()
    assert process.poll() is None


async def test_a_job_with_one_attempt_is_never_begun_twice(queue: Queue) -> None:
    await queue.enqueue("probe.once")
    assert await ended(queue.spawn()) == -signal.SIGKILL
    second = queue.spawn()
    await until(lambda: queue.count("job_dead_letters", "error_class = 'AttemptsExhausted'"))
    assert second.poll() is None
    assert await queue.count("probe_runs") == 1


async def wake(queue: Queue, process: subprocess.Popen) -> None:
    """Wait until a worker that was blocked is at work again, and everything is done."""
    runs = await queue.count("probe_runs", f"pid = {process.pid}")

    async def at_work_again() -> bool:
        await queue.enqueue("probe.slow", {"cause": "witness", "seconds": 0.2})
        return bool(await queue.count("probe_runs", f"pid = {process.pid}") > runs)

    await until(at_work_again)
    await until(queue.is_empty)


async def test_a_handler_that_blocks_before_its_transaction_is_overtaken_and_does_nothing(
    queue: Queue, tmp_path: Path
) -> None:
    first = queue.spawn()
    await queue.enqueue("probe.block_outside", {"cause": "a", "until": str(tmp_path / "go on")})
    await until(lambda: queue.count("probe_runs"))
    queue.spawn()
    await until(queue.is_empty)
    (tmp_path / "go on").touch()
    await wake(queue, first)
    assert [row["number"] for row in await queue.owner.fetch("select number from probe_effects where cause = 'a'")] == [
        2
    ]
    assert await queue.count("job_dead_letters") == 0


async def test_a_handler_that_blocks_inside_its_transaction_is_waited_for(queue: Queue, tmp_path: Path) -> None:
    first = queue.spawn()
    await queue.enqueue("probe.block_inside", {"cause": "a", "until": str(tmp_path / "go on")})
    await until(lambda: queue.count("probe_runs"))
    second = queue.spawn()
    held = "queue_manager_id <> (select worker_id from job_attempts where job_id = pgqueuer.id)"
    await until(lambda: queue.count("pgqueuer", held))
    (tmp_path / "go on").touch()
    await wake(queue, first)
    assert [row["number"] for row in await queue.owner.fetch("select number from probe_effects where cause = 'a'")] == [
        1
    ]
    assert await queue.count("job_dead_letters") == 0
    assert second.poll() is None


async def test_sigterm_lets_a_running_job_end(queue: Queue) -> None:
    process = queue.spawn()
    await queue.enqueue("probe.slow", {"cause": "a", "seconds": 1.5})
    await until(lambda: queue.count("probe_runs"))
    process.terminate()
    await queue.enqueue("probe.effect", {"cause": "too late"})
    assert await ended(process) == 0
    assert await queue.count("probe_effects", "cause = 'a' and number = 1") == 1
    assert await queue.count("pgqueuer", "status = 'queued'") == 1
    assert await queue.count("probe_unique_effects") == 0


async def test_sigterm_gives_back_at_the_ceiling_what_does_not_end(queue: Queue) -> None:
    process = queue.spawn(drain_seconds=0.5)
    await queue.enqueue("probe.effect", {"cause": "a", "hang": "before"})
    await until(lambda: queue.count("probe_runs"))
    process.terminate()
    began = time.monotonic()
    assert await ended(process) == 0
    assert time.monotonic() - began < 5
    assert await queue.count("pgqueuer", "status = 'queued' and execute_after <= now()") == 1
    assert await queue.count("job_attempts", "started = 1 and forgiven = 1") == 1
    queue.spawn()
    await until(queue.is_empty)
    assert await queue.count("probe_unique_effects") == 1


async def test_a_worker_survives_a_restart_of_postgresql(open_folder: Path) -> None:
    server = EmbeddedServer(open_folder / "data", durable=False, tied=True)
    address = await asyncio.to_thread(server.start)
    stop = asyncio.Event()
    try:
        dsn = address.dsn("payme")
        await Migrator(dsn, VERSIONS, say=lambda _: None).up()
        owner = await asyncpg.connect(dsn)
        await owner.execute(probe.SCHEMA)
        await owner.close()
        database = await Database(dsn, role="payme_worker", limits=PoolLimits(connections=3)).open()
        running = asyncio.create_task(Worker(database, Registry.of([probe.tasks]), limits=SCALED).run(stop))
        await _run_one(dsn, "before", running)
        for number in range(2):
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            began = time.monotonic()
            await _run_one(dsn, f"after {number}", running)
            assert time.monotonic() - began < 10
        stop.set()
        await running
        await database.close()
    finally:
        stop.set()
        await asyncio.to_thread(server.stop)


async def _run_one(dsn: str, cause: str, running: asyncio.Task[None]) -> None:
    app = await Database(dsn, limits=PoolLimits(connections=1)).open()
    async with app.unit_of_work() as uow:
        uow.enqueue("probe.effect", {"cause": cause})
    await app.close()
    owner = await asyncpg.connect(dsn)

    async def done() -> bool:
        assert not running.done(), running
        return bool(await owner.fetchval("select count(*) from probe_unique_effects where cause = $1", cause))

    await until(done)
    await owner.close()
