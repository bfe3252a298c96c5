import asyncio
import time
from urllib.parse import urlsplit

import asyncpg
import pytest

from payme.runtime.database import Database, DatabaseUnavailable, PoolLimits, UnitOfWork
from tests.faults.proxy import Mode, Proxy


@pytest.mark.parametrize("statement", ["select pg_sleep(20)", "select 1"])
async def test_a_connection_that_the_server_ends_is_an_unavailable_database_and_is_replaced(
    owner_dsn: str, statement: str
) -> None:
    database = await Database(owner_dsn, limits=PoolLimits(connections=2)).open()
    owner = await asyncpg.connect(owner_dsn)

    async def lose(uow: UnitOfWork) -> None:
        pid = await uow.fetchval("select pg_backend_pid()")
        async with asyncio.TaskGroup() as group:
            group.create_task(owner.execute("select pg_sleep(0.2), pg_terminate_backend($1)", pid))
            if statement == "select pg_sleep(20)":
                await uow.fetch(statement)
        await uow.fetch(statement)

    try:
        with pytest.raises((DatabaseUnavailable, ExceptionGroup)) as raised:
            await database.run(lose)
        error = raised.value.exceptions[0] if isinstance(raised.value, ExceptionGroup) else raised.value
        assert isinstance(error, DatabaseUnavailable)
        for _ in range(4):
            assert await database.run(lambda uow: uow.fetchval("select 1")) == 1
    finally:
        await owner.close()
        await database.close()


async def test_a_server_that_falls_silent_is_an_unavailable_database_and_its_connections_are_replaced(
    owner_dsn: str,
) -> None:
    host = urlsplit(owner_dsn).netloc.rpartition("@")[2]
    async with Proxy(host).opened() as line:
        limits = PoolLimits(connections=2, acquire_seconds=0.5, statement_seconds=1.5)
        database = await Database(owner_dsn.replace(f"@{host}", f"@{line.address}"), limits=limits).open()
        try:
            line.fall_silent()
            for _ in range(3):
                begun = time.monotonic()
                with pytest.raises(DatabaseUnavailable):
                    await database.run(lambda uow: uow.fetchval("select 1"))
                assert time.monotonic() - begun < 5
            line.mode = Mode.PASS
            for _ in range(4):
                assert await database.run(lambda uow: uow.fetchval("select 1")) == 1
        finally:
            await database.close()
