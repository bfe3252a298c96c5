"""The database server and the API are killed in the middle of sales, again and again: nothing acknowledged is lost or doubled.

The server is durable and of its own.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits
from payme.runtime.database.embedded import EmbeddedServer
from payme.runtime.database.migrations import Migrator
from payme.runtime.settings import Settings
from tests.api_process import GENEROUS, ApiProcess
from tests.fault_rows import FaultRow
from tests.faults.selling import Clients, FullShop, hold_against_the_books, make_full_shop
from tests.invariants import assert_invariants
from tests.postgres import VERSIONS

SERVES_AGAIN_SECONDS = 10.0
KILLS = FaultRow.size(2, 10)
pytestmark = [pytest.mark.faults, pytest.mark.timeout(60 + 20 * KILLS)]


@dataclass
class Place:
    """A server of our own, an API on it, and a shop to sell in."""

    server: EmbeddedServer
    dsn: str
    api: ApiProcess
    shop: FullShop

    def open_database(self) -> Database:
        settings = Settings.from_values({**GENEROUS, "DATABASE_URL": self.dsn})
        return Database(self.dsn, limits=PoolLimits(connections=2), wiring=wire(tools_of(settings)))

    async def check(self, clients: Clients) -> None:
        """Hold what the clients saw against the books."""
        assert clients.sold.faults == []
        database = await self.open_database().open()
        try:
            await hold_against_the_books(database, self.shop, clients.sold)
            await assert_invariants(database, self.shop.id)
        finally:
            await database.close()


@pytest.fixture
def durable_server(open_folder: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(open_folder / "data", durable=True, tied=True)
    yield server
    server.stop()


@pytest_asyncio.fixture
async def place(durable_server: EmbeddedServer, open_folder: Path) -> AsyncIterator[Place]:
    address = await asyncio.to_thread(durable_server.start)
    await Migrator(address.dsn(), VERSIONS, say=lambda _: None).up()
    api = ApiProcess(address.dsn(), open_folder / "api.log")
    made = Place(durable_server, address.dsn(), api, FullShop(new_id(), "", ()))
    database = await made.open_database().open()
    made.shop = await make_full_shop(database)
    await database.close()
    await asyncio.to_thread(api.__enter__)
    yield made
    await asyncio.to_thread(api.stop)


@pytest.mark.fault_row(21)
async def test_nothing_acknowledged_is_lost_when_the_database_is_killed(place: Place, row: FaultRow) -> None:
    rng = row.rng
    async with Clients(place.api.base_url, place.shop) as clients:
        for _ in range(KILLS):
            await clients.sells_again(since=time.monotonic(), seconds=SERVES_AGAIN_SECONDS)
            await asyncio.sleep(rng.uniform(0.1, 0.6))
            pid = place.server.status().pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            killed_at = time.monotonic()
            await asyncio.to_thread(place.server.start)
            await clients.sells_again(since=killed_at, seconds=SERVES_AGAIN_SECONDS)
            row.counts["kills"] += 1
        assert place.api.is_alive
    row.counts["acknowledged"] += len(clients.sold.acknowledged)
    row.counts["answered 503"] += clients.sold.statuses["503"]
    await place.check(clients)
    assert clients.sold.statuses["503"] > 0


@pytest.mark.fault_row(19)
async def test_a_retried_key_has_one_effect_when_the_api_is_killed(place: Place, row: FaultRow) -> None:
    rng = row.rng
    async with Clients(place.api.base_url, place.shop, may_lose_connection=True) as clients:
        for _ in range(KILLS):
            await clients.sells_again(since=time.monotonic(), seconds=SERVES_AGAIN_SECONDS)
            await asyncio.sleep(rng.uniform(0.1, 0.6))
            place.api.kill()
            killed_at = time.monotonic()
            place.api.start()
            await clients.sells_again(since=killed_at, seconds=SERVES_AGAIN_SECONDS)
            row.counts["kills"] += 1
    row.counts["acknowledged"] += len(clients.sold.acknowledged)
    await place.check(clients)
