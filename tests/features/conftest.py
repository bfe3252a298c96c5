"""A database that services run on: this worker's own, in the app's role and in the worker's."""

from collections.abc import AsyncIterator

import pytest_asyncio

from payme.runtime.database import Database, PoolLimits
from tests.people import Shop, identity_wiring, make_shop


@pytest_asyncio.fixture(scope="session")
async def database(owner_dsn: str) -> AsyncIterator[Database]:
    opened = await Database(owner_dsn, wiring=identity_wiring()).open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="session")
async def worker_database(owner_dsn: str) -> AsyncIterator[Database]:
    limits = PoolLimits(connections=4)
    opened = await Database(owner_dsn, role="payme_worker", limits=limits, wiring=identity_wiring()).open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def shop(database: Database) -> Shop:
    return await make_shop(database)
