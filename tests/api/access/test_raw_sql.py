"""Past the application: SQL in the roles that it connects with reaches one business at a time, and none when none is bound."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from payme.runtime.database import Database, PoolLimits
from tests.api.access.conftest import Belongings
from tests.api.access.written import checksums, tenant_tables
from tests.fault_rows import FaultRow
from tests.people import Shop

pytestmark = pytest.mark.fault_row(29)
APP, WORKER = "payme_app", "payme_worker"


@pytest_asyncio.fixture(scope="module")
async def connection(owner_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(owner_dsn)
    yield opened
    await opened.close()


async def in_role(
    connection: asyncpg.Connection, role: str, sql: str, *arguments: object, bound: UUID | None
) -> object:
    """Run one statement in a role, with a business bound as the application does it; it is undone afterwards."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f'set local role "{role}"')
        if bound is not None:
            await connection.execute(f"set local payme.business_id = '{bound}'")
        return await connection.fetchval(sql, *arguments)
    finally:
        await transaction.rollback()


async def test_no_table_shows_a_row_when_no_business_is_bound(
    connection: asyncpg.Connection, owner_dsn: str, own: Belongings, theirs: Belongings
):
    for table in await tenant_tables(owner_dsn):
        assert await in_role(connection, APP, f"select count(*) from {table}", bound=None) == 0, table


@pytest.mark.parametrize("role", [APP, WORKER])
@pytest.mark.parametrize("is_bound", [False, True], ids=["nothing bound", "another bound"])
async def test_no_table_takes_a_row_of_a_business_that_is_not_bound(
    role: str, is_bound: bool, connection: asyncpg.Connection, owner_dsn: str, staffed: Shop, foreign: Shop
):
    bound = staffed.id if is_bound else None
    for table in await tenant_tables(owner_dsn):
        sql = f"insert into {table} (business_id) values ($1)"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await in_role(connection, role, sql, foreign.id, bound=bound)


@pytest.mark.parametrize("role", [APP, WORKER])
async def test_every_table_shows_the_rows_of_the_bound_business_alone(
    role: str,
    connection: asyncpg.Connection,
    owner_dsn: str,
    staffed: Shop,
    own: Belongings,
    theirs: Belongings,
    row: FaultRow,
):
    shown = 0
    for table in await tenant_tables(owner_dsn):
        others = f"select count(*) from {table} where business_id <> $1"
        assert await in_role(connection, role, others, staffed.id, bound=staffed.id) == 0, table
        row.counts["sent"] += 1
        shown += bool(await in_role(connection, role, f"select count(*) from {table}", bound=staffed.id))
    assert shown > 20


@pytest.mark.parametrize("role", [APP, WORKER])
async def test_no_row_of_another_business_can_be_changed_or_deleted(
    role: str,
    connection: asyncpg.Connection,
    database: Database,
    owner_dsn: str,
    staffed: Shop,
    foreign: Shop,
    theirs: Belongings,
    row: FaultRow,
):
    before = await checksums(database, foreign)
    for table in await tenant_tables(owner_dsn):
        for change in (f"update {table} set business_id = $1", f"delete from {table}"):
            values = (staffed.id,) if "$1" in change else ()
            sql = f"with changed as ({change} where business_id = '{foreign.id}' returning 1) select count(*) from changed"
            try:
                assert await in_role(connection, role, sql, *values, bound=staffed.id) == 0, table
            except asyncpg.InsufficientPrivilegeError:
                row.counts["refused"] += 1
    assert await checksums(database, foreign) == before


async def test_a_binding_ends_with_its_transaction(owner_dsn: str, staffed: Shop, own: Belongings):
    one = await Database(owner_dsn, limits=PoolLimits(connections=1)).open()
    try:
        for _ in range(20):
            bound = await one.run(lambda uow: uow.fetchval("select count(*) from sales"), business_id=staffed.id)
            unbound = await one.run(lambda uow: uow.fetchval("select count(*) from sales"))
            assert (bound > 0, unbound) == (True, 0)
    finally:
        await one.close()
