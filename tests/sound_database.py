"""A database with one sound shop in it, and copies of it to break.

A plugin (`pytest_plugins`), so that there is one for each test process: imported into two modules, the fixture would be two, and the
second would take the first one's database away.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest_asyncio

from tests.postgres import copy_database, drop_database
from tests.sound_shop import SoundShop, open_database, trade


@dataclass(frozen=True)
class SoundDatabase:
    """Where the sound shop is; nobody writes there, so that it can be copied."""

    base_dsn: str
    name: str
    dsn: str
    business_id: UUID

    async def copy(self, name: str) -> str:
        return await copy_database(self.base_dsn, name, template=self.name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sound(base_dsn: str, worker_name: str) -> AsyncIterator[SoundDatabase]:
    name = f"extra_{worker_name}_sound"
    dsn = await copy_database(base_dsn, name)
    database = await open_database(dsn)
    try:
        shop = await SoundShop(database).open()
        await trade(shop)
    finally:
        await database.close()
    yield SoundDatabase(base_dsn, name, dsn, shop.business_id)
    await drop_database(base_dsn, name)


@pytest_asyncio.fixture(loop_scope="session")
async def copied(sound: SoundDatabase) -> AsyncIterator[str]:
    """The URL of a copy for one test."""
    name = f"{sound.name}_copy"
    yield await sound.copy(name)
    await drop_database(sound.base_dsn, name)
