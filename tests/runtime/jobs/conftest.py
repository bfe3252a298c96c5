"""A database of its own for each test of the queue, with the probe's tables; workers in this process and in others."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from payme.runtime.database import Database, PoolLimits, UnitOfWork
from payme.runtime.jobs import Registry
from payme.runtime.jobs.worker import Worker, WorkerLimits
from tests.postgres import copy_database, drop_database
from tests.runtime.jobs import probe

ROOT = Path(__file__).parents[3]
SCALED = WorkerLimits(
    concurrency=4,
    heartbeat_seconds=1.2,
    drain_seconds=5,
    poll_seconds=0.2,
    upkeep_seconds=0.2,
    unknown_grace_seconds=0.5,
)
DEADLINE_SECONDS = 30


async def until(condition: Callable[[], Awaitable[Any]], *, seconds: float = DEADLINE_SECONDS) -> Any:
    """Poll until the condition gives something true, and return it."""
    end = time.monotonic() + seconds
    while True:
        found = await condition()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s"
        await asyncio.sleep(0.05)


@dataclass
class Queue:
    """One test's queue, seen by its owner."""

    dsn: str
    owner: asyncpg.Connection
    app: Database
    processes: list[subprocess.Popen]

    async def enqueue(self, name: str, payload: dict[str, Any] | None = None, **options: Any) -> None:
        """Enqueue one job in a transaction of the app."""
        async with self.app.unit_of_work() as uow:
            uow.enqueue(name, payload or {}, **options)

    async def as_worker(self, work: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        """Run one transaction in the worker's role."""
        database = await Database(self.dsn, role="payme_worker", limits=PoolLimits(connections=1)).open()
        try:
            return await database.run(work)
        finally:
            await database.close()

    async def row(self, sql: str, *arguments: Any) -> Any:
        """Return the one row that must be there, as the owner sees it."""
        found = await self.owner.fetchrow(sql, *arguments)
        assert found is not None
        return found

    async def count(self, table: str, condition: str = "true") -> Any:
        """Count rows as the owner sees them."""
        return await self.owner.fetchval(f"select count(*) from {table} where {condition}")

    async def is_empty(self) -> bool:
        """Say whether nothing waits and nothing runs."""
        return not await self.count("pgqueuer") and not await self.count("job_attempts")

    @contextlib.asynccontextmanager
    async def worker(self, registry: Registry | None = None, **limits: Any) -> AsyncGenerator[Worker]:
        """Run a worker in this process for the length of a block."""
        scaled = replace(SCALED, **limits)
        database = await Database(self.dsn, role="payme_worker", limits=PoolLimits(connections=4)).open()
        worker = Worker(database, registry or Registry.of([probe.tasks]), limits=scaled)
        stop = asyncio.Event()
        running = asyncio.create_task(worker.run(stop))
        try:
            yield worker
        finally:
            stop.set()
            await running
            await database.close()

    def spawn(self, **limits: Any) -> subprocess.Popen:
        """Start a worker in a process of its own."""
        command = [sys.executable, str(Path(__file__).with_name("worker_process.py")), self.dsn]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        arguments = json.dumps(asdict(replace(SCALED, **limits)))
        process = subprocess.Popen([*command, arguments], env=environment, stdout=subprocess.DEVNULL)
        self.processes.append(process)
        return process


@pytest.fixture(scope="module")
def queue_database(base_dsn: str, worker_name: str) -> Iterator[str]:

    name = f"extra_{worker_name}_queue"

    async def make() -> str:
        dsn = await copy_database(base_dsn, name)
        connection = await asyncpg.connect(dsn)
        await connection.execute(probe.SCHEMA)
        await connection.close()
        return dsn

    yield asyncio.run(make())
    asyncio.run(drop_database(base_dsn, name))


@pytest.fixture
async def queue(queue_database: str) -> AsyncIterator[Queue]:
    owner = await asyncpg.connect(queue_database)
    await owner.execute(
        "truncate pgqueuer, pgqueuer_log, pgqueuer_schedules, job_attempts, job_dead_letters,"
        " probe_runs, probe_effects, probe_unique_effects"
    )
    app = await Database(queue_database, limits=PoolLimits(connections=2)).open()
    made = Queue(queue_database, owner, app, [])
    yield made
    for process in made.processes:
        process.kill()
        process.wait()
    await app.close()
    await owner.close()
