"""Two applications on one database and a shop to sell in, as two API processes are: nothing is shared but the database.

Not a plugin; a conftest or a test imports the fixture `apis`.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest_asyncio
from fastapi import FastAPI

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.runtime.database import Database, PoolLimits
from payme.runtime.settings import Settings
from tests.api_process import GENEROUS
from tests.application import client_of, make_application
from tests.faults.selling import FullShop, make_full_shop
from tests.shop import Shop


@dataclass
class TwoApis:
    """A client of each application, and the shop; `inside` is the shop as services see it."""

    clients: list[httpx2.AsyncClient]
    shop: FullShop
    inside: Shop
    applications: list[FastAPI] = field(default_factory=list[FastAPI])

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Let both applications begin as a server would, so that they listen to each other."""
        async with AsyncExitStack() as stack:
            for application in self.applications:
                await stack.enter_async_context(application.router.lifespan_context(application))
            yield

    async def sell(self, turn: int, cart: dict[str, Any], *, key: str) -> httpx2.Response:
        """Send a sale to the application whose turn it is."""
        client = self.clients[turn % len(self.clients)]
        return await client.post(self.shop.sales_url, json=cart, headers={"idempotency-key": key})


@pytest_asyncio.fixture
async def apis(owner_dsn: str) -> AsyncIterator[TwoApis]:
    """The two applications on this worker's database."""
    settings = Settings.from_values({**GENEROUS, "DATABASE_URL": owner_dsn})
    limits, wiring = PoolLimits(connections=6, acquire_seconds=30), wire(tools_of(settings))
    databases = [await Database(owner_dsn, limits=limits, wiring=wiring).open() for _ in range(2)]
    shop = await make_full_shop(databases[0], products=1)
    applications = [make_application(settings, database) for database in databases]
    clients = [client_of(application, shop.api_key) for application in applications]
    yield TwoApis(clients, shop, Shop(databases[0], shop.id), applications)
    for client in clients:
        await client.aclose()
    for database in databases:
        await database.close()
