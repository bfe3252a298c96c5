"""The worker process: `python -m payme.entrypoints.worker`. Wiring, signals and the ceiling of its end; no work of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import structlog
from prometheus_client import start_http_server

from payme.entrypoints.features import all_tasks, wire
from payme.entrypoints.rotation import takers_of
from payme.entrypoints.wiring import (
    WorkerServices,
    begin_telling,
    daraja_of,
    figures_of,
    pool_limits,
    tell_role,
    tools_of,
)
from payme.features.businesses import PLATFORM_BUSINESS_ID, ensure_platform_business
from payme.features.payments import listen_for_platform
from payme.kit.errors import Conflict
from payme.runtime import fault_points
from payme.runtime.database import Database, DatabaseUnavailable, PoolLimits, Wiring
from payme.runtime.database.roles import WORKER_ROLE
from payme.runtime.jobs import Registry
from payme.runtime.jobs.worker import Worker, WorkerLimits
from payme.runtime.observability import watch_pool
from payme.runtime.secrets import SecretsRefresh, load_settings

if TYPE_CHECKING:
    from types import FrameType

    from payme.runtime.settings import Settings

_LAST_SECONDS: Final = 10.0
_ENDED_BY_FORCE: Final = 70
_log = structlog.get_logger("payme.worker")


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What a worker process is made of; `services` are the clients that handlers find in `job.services`."""

    registry: Registry
    wiring: Wiring = field(default_factory=Wiring)
    services: Any = None
    limits: WorkerLimits = field(default_factory=WorkerLimits)
    pool: PoolLimits = field(default_factory=lambda: PoolLimits(connections=8))
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    refresh: SecretsRefresh | None = None
    has_platform: bool = False
    """Whether the platform's own business is opened first: it sells the tokens, and its app asks for their price."""


def limits_of(settings: Settings) -> WorkerLimits:
    """Return how the settings want a worker to behave."""
    return WorkerLimits(
        # One connection more than handlers: the outcome of one never waits for the work of the others.
        concurrency=min(settings.worker_concurrency, settings.worker_pool_size - 1),
        heartbeat_seconds=settings.worker_heartbeat_seconds,
        drain_seconds=settings.worker_drain_seconds,
    )


async def serve(database_url: str, parts: WorkerParts, *, direct_url: str | None = None) -> None:
    """Open the database, work until SIGTERM or SIGINT, and end in order.

    The signal is also heard while a handler blocks the event loop: a thread then ends the process at the ceiling.
    """
    stop = asyncio.Event()
    _stop_on_signals(stop, ceiling_seconds=parts.limits.drain_seconds + _LAST_SECONDS)
    database = Database(database_url, role=WORKER_ROLE, limits=parts.pool, wiring=parts.wiring)
    if not await _open(database, stop):
        return
    tell_role(database)
    if parts.has_platform:
        await _ensure_platform(database)
    watch_pool("worker", lambda: figures_of(database))
    if parts.metrics_port is not None:
        start_http_server(parts.metrics_port, parts.metrics_host)
    worker = Worker(database, parts.registry, services=parts.services, limits=parts.limits, direct_dsn=direct_url)
    _log.info("worker.started", jobs=len(parts.registry.tasks), schedules=len(parts.registry.schedules))
    try:
        async with parts.refresh.running() if parts.refresh else contextlib.nullcontext():
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


async def _ensure_platform(database: Database) -> None:
    # Two workers may begin at the same moment; one of them is refused, and the business is there.
    with contextlib.suppress(Conflict):
        await database.run(ensure_platform_business, business_id=PLATFORM_BUSINESS_ID)
    await database.run(listen_for_platform, business_id=PLATFORM_BUSINESS_ID)


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
    settings = load_settings()
    fault_points.choose(settings.fault_point)
    begin_telling(settings)
    registry, tools, daraja = Registry.of(all_tasks()), tools_of(settings), daraja_of(settings)
    parts = WorkerParts(
        registry,
        wire(tools),
        services=WorkerServices(daraja),
        refresh=SecretsRefresh(settings, takers_of(tools, daraja.cipher)),
        limits=limits_of(settings),
        metrics_port=settings.worker_metrics_port,
        pool=pool_limits(settings, settings.worker_pool_size),
        has_platform=True,
    )
    url = settings.database_url.get_secret_value()
    asyncio.run(serve(url, parts, direct_url=settings.direct_database_url()))


if __name__ == "__main__":
    main()
