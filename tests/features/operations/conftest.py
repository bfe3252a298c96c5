"""Two hands on a copy of the sound shop's database."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from payme.runtime.database import Database
from tests.sound_shop import open_database


@pytest_asyncio.fixture(loop_scope="session")
async def owner(copied: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the copy, who may do what the application may not."""
    connection = await asyncpg.connect(copied)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def worker_database(copied: str) -> AsyncIterator[Database]:
    opened = await open_database(copied, "payme_worker")
    yield opened
    await opened.close()
