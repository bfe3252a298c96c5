"""A failure that the work hides is no success: PostgreSQL answers the commit of such a transaction with a quiet rollback."""

from contextlib import suppress

import asyncpg
import pytest

from payme.runtime.database import Database, PoolLimits, TransactionAborted, UnitOfWork


async def test_work_that_hides_a_failed_statement_is_not_reported_as_done(owner_dsn: str) -> None:
    database = await Database(owner_dsn, limits=PoolLimits(connections=1)).open()

    async def hide(uow: UnitOfWork) -> str:
        with suppress(asyncpg.PostgresError):
            await uow.execute("select 1 / 0")
        return "done"

    async def look(uow: UnitOfWork) -> int:
        return await uow.fetchval("select 1")

    try:
        with pytest.raises(TransactionAborted):
            await database.run(hide)
        assert await database.run(look) == 1
    finally:
        await database.close()
