"""The worker process: `python -m payme.entrypoints.worker`. Wiring, signals and the ceiling of its end; no work of its own."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog
from prometheus_client import start_http_server

from payme.entrypoints.features import all_tasks
from payme.runtime.database import Database, DatabaseUnavailable, PoolLimits, Wiring
from payme.runtime.jobs import Registry, subscriptions
from payme.runtime.jobs.worker import Worker, WorkerLimits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from payme.runtime.jobs import Tasks

_WORKER_ROLE: Final = "payme_worker"
_LAST_SECONDS: Final = 10.0
_ENDED_BY_FORCE: Final = 70
_log = structlog.get_logger("payme.worker")


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker process is told from outside."""

    database_url: str
    direct_url: str
    limits: WorkerLimits
    role: str | None = _WORKER_ROLE
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WorkerSettings:
        """Read the settings; DATABASE_URL must be there."""
        url = environment["DATABASE_URL"]
        port = environment.get("WORKER_METRICS_PORT")
        standard = WorkerLimits()
        limits = WorkerLimits(
            concurrency=int(environment.get("WORKER_CONCURRENCY", standard.concurrency)),
            heartbeat_seconds=float(environment.get("WORKER_HEARTBEAT_SECONDS", standard.heartbeat_seconds)),
            drain_seconds=float(environment.get("WORKER_DRAIN_SECONDS", standard.drain_seconds)),
        )
        return cls(url, environment.get("DATABASE_DIRECT_URL") or url, limits, metrics_port=int(port) if port else None)


async def serve(settings: WorkerSettings, tasks: list[Tasks], *, services: Any = None) -> None:
    """Open the database, work until SIGTERM or SIGINT, and end in order.

    The signal is also heard while a handler blocks the event loop: a thread then ends the process at the ceiling.
    """
    stop = asyncio.Event()
    _stop_on_signals(stop, ceiling_seconds=settings.limits.drain_seconds + _LAST_SECONDS)
    registry = Registry.of(tasks)
    # One connection more than handlers: the outcome of one never waits for the work of the others.
    limits = PoolLimits(connections=settings.limits.concurrency + 1)
    database = Database(settings.database_url, role=settings.role, limits=limits, wiring=Wiring(jobs=subscriptions(tasks)))
    if not await _open(database, stop):
        return
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, settings.metrics_host)
    worker = Worker(database, registry, services=services, limits=settings.limits, direct_dsn=settings.direct_url)
    _log.info("worker.started", jobs=len(registry.tasks), schedules=len(registry.schedules))
    try:
        await worker.run(stop)
    finally:
        await database.close()
    _log.info("worker.stopped")


async def _open(database: Database, stop: asyncio.Event) -> bool:
    """Connect as soon as PostgreSQL answers; return False when told to stop before."""
    while not stop.is_set():
        try:
            await database.open()
        except DatabaseUnavailable as error:
            _log.warning("worker.waits_for_database", error=str(error))
            await asyncio.sleep(random.uniform(0.5, 2))
        else:
            return True
    return False


def _stop_on_signals(stop: asyncio.Event, *, ceiling_seconds: float) -> None:
    loop = asyncio.get_running_loop()

    def hear(_number: int, _frame: FrameType | None) -> None:
        # A plain signal handler, because the loop's own would wait for a handler that blocks the loop.
        timer = threading.Timer(ceiling_seconds, os._exit, [_ENDED_BY_FORCE])
        timer.daemon = True
        timer.start()
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear)


def main() -> None:
    """Run the worker with all features."""
    asyncio.run(serve(WorkerSettings.from_environment(os.environ), all_tasks()))


if __name__ == "__main__":
    main()
