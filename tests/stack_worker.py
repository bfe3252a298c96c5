"""The worker process of `tests.stack`: the real wiring, polling often enough for scaled-down times."""

import asyncio
from dataclasses import replace

from payme.entrypoints.features import all_tasks, wire
from payme.entrypoints.wiring import WorkerServices, daraja_of, pool_limits, tools_of
from payme.entrypoints.worker import WorkerParts, limits_of, serve
from payme.runtime import fault_points
from payme.runtime.jobs import Registry
from payme.runtime.secrets import load_settings


def main() -> None:
    """Run the worker until SIGTERM."""
    settings = load_settings()
    fault_points.choose(settings.fault_point)
    parts = WorkerParts(
        Registry.of(all_tasks()),
        wire(tools_of(settings)),
        services=WorkerServices(daraja_of(settings)),
        limits=replace(limits_of(settings), poll_seconds=0.1, upkeep_seconds=0.2, drain_seconds=5),
        pool=pool_limits(settings, settings.worker_pool_size),
        has_platform=True,
    )
    url = settings.database_url.get_secret_value()
    asyncio.run(serve(url, parts, direct_url=settings.direct_database_url()))


if __name__ == "__main__":
    main()
