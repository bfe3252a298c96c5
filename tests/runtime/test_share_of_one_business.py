import asyncio

import pytest

from payme.kit.ids import new_id
from payme.runtime.database import Database, DatabaseUnavailable, PoolLimits, UnitOfWork


async def test_a_business_that_has_its_share_waits_no_longer_than_for_a_connection_and_stops_no_other(
    owner_dsn: str,
) -> None:
    limits = PoolLimits(connections=2, acquire_seconds=0.2, share_of_one_business=0.5)
    database = await Database(owner_dsn, limits=limits).open()
    busy, entered, done = new_id(), asyncio.Event(), asyncio.Event()

    async def hold(uow: UnitOfWork) -> None:
        entered.set()
        await done.wait()

    async def look(uow: UnitOfWork) -> int:
        return await uow.fetchval("select 1")

    holding = asyncio.create_task(database.run(hold, business_id=busy))
    try:
        await entered.wait()
        async with asyncio.timeout(5):
            with pytest.raises(DatabaseUnavailable):
                await database.run(look, business_id=busy)
            assert await database.run(look, business_id=new_id()) == 1
        done.set()
        await holding
        assert await database.run(look, business_id=busy) == 1
    finally:
        done.set()
        await asyncio.gather(holding, return_exceptions=True)
        await database.close()
