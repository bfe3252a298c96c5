"""A PostgreSQL of a test's own, which may be killed, stopped and frozen, with an API and a full shop on it."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits
from payme.runtime.database.embedded import EmbeddedServer
from payme.runtime.database.migrations import Migrator
from payme.runtime.settings import Settings
from tests.api_process import GENEROUS, ROOT, ApiProcess
from tests.faults.selling import Clients, FullShop, hold_against_the_books, make_full_shop
from tests.invariants import assert_invariants
from tests.postgres import VERSIONS


@dataclass
class Place:
    """A server of our own, an API on it, and a shop to sell in."""

    server: EmbeddedServer
    dsn: str
    api: ApiProcess
    shop: FullShop

    def open_database(self) -> Database:
        """Return a database of the test's own, to be opened."""
        settings = Settings.from_values({**GENEROUS, "DATABASE_URL": self.dsn})
        return Database(self.dsn, limits=PoolLimits(connections=2), wiring=wire(tools_of(settings)))

    async def check(self, clients: Clients) -> None:
        """Hold what the clients saw against the books."""
        assert clients.sold.faults == []
        database = await self.open_database().open()
        try:
            await hold_against_the_books(database, clients.shop, clients.sold)
            await assert_invariants(database, clients.shop.id)
        finally:
            await database.close()

    async def new_shop(self) -> FullShop:
        """Make another full shop."""
        database = await self.open_database().open()
        try:
            return await make_full_shop(database)
        finally:
            await database.close()

    def signal_server(self, number: signal.Signals) -> None:
        """Send a signal to the server's main process and to every process of its connections."""
        pid = self.server.status().pid
        assert pid is not None, "the server runs"
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
        for each in (pid, *map(int, listed.stdout.split())):
            with suppress(ProcessLookupError):  # a connection that has ended since
                os.kill(each, number)


@asynccontextmanager
async def open_place(folder: Path, *, durable: bool, **settings: str) -> AsyncGenerator[Place]:
    """Start a server and an API with these settings, and make a shop."""
    server = EmbeddedServer(folder / "data", durable=durable, tied=True)
    try:
        dsn = (await asyncio.to_thread(server.start)).dsn()
        await Migrator(dsn, VERSIONS, say=lambda _: None).up()
        made = Place(
            server,
            dsn,
            ApiProcess(dsn, folder / "api.log", respawned=False, root=ROOT, **settings),
            FullShop(new_id(), "", ()),
        )
        made.shop = await made.new_shop()
        await asyncio.to_thread(made.api.__enter__)
        try:
            yield made
        finally:
            await asyncio.to_thread(made.api.stop)
    finally:
        await asyncio.to_thread(server.stop)
