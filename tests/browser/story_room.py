"""A shop on a PostgreSQL of its own that may be killed, with an API on it; the shelf can be held, so that a push stands still in its middle.

Not a plugin; a test imports what it needs. What is started here is ended here, by its own id.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import UUID

import asyncpg

from payme.features.identity import Role
from payme.runtime.database.embedded import EmbeddedServer
from payme.runtime.database.migrations import Migrator
from tests.api_process import ApiProcess
from tests.postgres import VERSIONS
from tests.staff import hire
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, open_database, open_shop

SHELF, PRICE = 50, 15_000
NAMES = ("Sukari", "Maziwa", "Unga", "Kimbo", "Omo")


@dataclass
class Story:
    """The shop, what serves it, and how to end that."""

    server: EmbeddedServer
    dsn: str
    api: ApiProcess
    shop: TradingShop
    shelf: dict[str, UUID]

    async def start_api(self) -> None:
        """Start the API again."""
        self.api.start()
        await asyncio.to_thread(self.api.wait_until_ready)

    def kill_postgres(self) -> None:
        """Kill the server's main process, as a power cut does."""
        pid = self.server.status().pid
        assert pid is not None, "the server runs"
        os.kill(pid, signal.SIGKILL)

    async def start_postgres(self) -> None:
        """Start the server again on what it left behind."""
        await asyncio.to_thread(self.server.start)
        await self.shop.database.close()
        self.shop.database = await open_database(self.dsn)

    async def settled(self) -> int:
        """Return how many commands have a verdict."""
        return int(
            await self.shop.value("select count(*) from sync_commands where business_id = $1 and status <> 'waiting'")
        )


class Held:
    """One product's place on the shelf, held: a sale of it waits, and so does everything behind it in the same push."""

    def __init__(self, story: Story, product: str) -> None:
        self._story, self._product = story, product
        self._connection: asyncpg.Connection | None = None

    async def __aenter__(self) -> Self:
        self._connection = await asyncpg.connect(self._story.dsn)
        await self._connection.execute("begin")
        await self._connection.execute(f"set local payme.business_id = '{self._story.shop.business_id}'")
        held = "select 1 from stock_levels where business_id = $1 and product_id = $2 for update"
        assert await self._connection.fetch(held, self._story.shop.business_id, self._story.shelf[self._product])
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._connection.close(timeout=5)


@asynccontextmanager
async def open_story(folder: Path) -> AsyncGenerator[Story]:
    """Start a durable server and an API on it, and make a shop with five things on its shelf and two people with PINs."""
    server = EmbeddedServer(folder / "data", durable=True, tied=True)
    try:
        dsn = (await asyncio.to_thread(server.start)).dsn()
        await Migrator(dsn, VERSIONS, say=lambda _: None).up()
        story = Story(server, dsn, ApiProcess(dsn, folder / "api.log"), await open_shop(await open_database(dsn)), {})
        await _furnish(story)
        await asyncio.to_thread(story.api.__enter__)
        try:
            yield story
        finally:
            await asyncio.to_thread(story.api.stop)
            await story.shop.database.close()
    finally:
        await asyncio.to_thread(server.stop)


async def _furnish(story: Story) -> None:
    shop = story.shop
    await hire(shop, Role.CASHIER, "Achieng")
    await hire(shop, Role.MANAGER, "Mutiso")
    await shop.set_limits(refund_limit_cents=10_000)
    for name in NAMES:
        story.shelf[name] = await make_product(shop, name=name, price_cents=PRICE)
        await receive(shop, story.shelf[name], str(SHELF), PRICE * SHELF // 2)
