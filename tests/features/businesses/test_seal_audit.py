"""The job that seals every business's log, run by a real worker in its role."""

import asyncio
from collections.abc import Callable
from typing import Any

from structlog.testing import capture_logs

from payme.features import audit
from payme.features.businesses.tasks import tasks
from payme.runtime.database import Database, PoolLimits
from payme.runtime.jobs import Registry
from payme.runtime.jobs.worker import Worker, WorkerLimits
from tests.people import Shop, identity_wiring, make_shop

SEAL = "businesses.seal_audit"


async def sealed(database: Database, shop: Shop) -> audit.Verification:
    return await database.run(audit.verify, business_id=shop.id, read_only=True)


async def test_every_business_is_sealed_and_its_head_goes_into_the_log(make_database: Callable[..., Any]):
    dsn = await make_database()
    app = await Database(dsn, limits=PoolLimits(connections=2), wiring=identity_wiring()).open()
    worker_database = await Database(dsn, role="payme_worker", limits=PoolLimits(connections=4)).open()
    stop = asyncio.Event()
    try:
        shops = [await make_shop(app) for _ in range(3)]
        async with app.unit_of_work() as uow:
            uow.enqueue(SEAL, {})
        limits = WorkerLimits(poll_seconds=1, drain_seconds=5)
        with capture_logs() as lines:
            running = asyncio.create_task(Worker(worker_database, Registry.of([tasks]), limits=limits).run(stop))
            deadline = asyncio.get_running_loop().time() + 30
            while any([(await sealed(app, shop)).waiting for shop in shops]):
                assert asyncio.get_running_loop().time() < deadline, "the worker does not seal"
                await asyncio.sleep(0.05)
                async with app.unit_of_work() as uow:
                    uow.enqueue(SEAL, {}, dedupe_key=SEAL)
            stop.set()
            await running
        heads = {line["business_id"]: line["head"].replace(":", "") for line in lines if line["event"] == "audit.head"}
        for shop in shops:
            found = await sealed(app, shop)
            assert found.intact
            assert found.sealed > 0
            assert heads[str(shop.id)] == found.head
    finally:
        stop.set()
        await worker_database.close()
        await app.close()
