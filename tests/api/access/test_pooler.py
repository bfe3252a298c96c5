"""Behind PgBouncer in transaction mode, where the next client gets the connection that the last one had.

One server connection serves everybody here, so whatever outlives a transaction is seen by somebody else at once.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import asyncpg
import httpx2
import pytest
import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import pool_limits, tools_of
from payme.features.businesses import list_business_ids
from payme.runtime.database import Database
from payme.runtime.settings import Settings
from tests.api.access.conftest import Belongings, fill
from tests.api_process import GENEROUS
from tests.application import client_of, make_application
from tests.fault_rows import FaultRow
from tests.people import Shop, make_shop
from tests.pooler import pooled

pytestmark = pytest.mark.fault_row(29)
WHO = "select current_user::text, coalesce(current_setting('payme.business_id', true), '')"
SALES = "select count(*) from sales"


@pytest.fixture(scope="module")
def through(owner_dsn: str) -> Iterator[str]:
    with pooled(owner_dsn) as dsn:
        yield dsn


@pytest_asyncio.fixture(scope="module")
async def behind(through: str, owner_dsn: str) -> Settings:
    """The settings of a deployment behind a pooler."""
    values = {"DATABASE_URL": through, "DATABASE_DIRECT_URL": owner_dsn, "DATABASE_POOLER": "transaction"}
    return Settings.from_values({**GENEROUS, **values})


async def opened(settings: Settings, role: str) -> Database:
    limits = replace(pool_limits(settings, 2), acquire_seconds=20)
    return await Database(
        settings.database_url.get_secret_value(), role=role, limits=limits, wiring=wire(tools_of(settings))
    ).open()


@pytest_asyncio.fixture(scope="module")
async def app(behind: Settings) -> AsyncIterator[Database]:
    database = await opened(behind, "payme_app")
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="module")
async def worker(behind: Settings) -> AsyncIterator[Database]:
    database = await opened(behind, "payme_worker")
    yield database
    await database.close()


async def test_what_is_set_for_a_session_reaches_the_next_client_here(through: str, row: FaultRow):
    """Why nothing may be: without this, the tests below would prove nothing."""
    first = await asyncpg.connect(through, statement_cache_size=0)
    second = await asyncpg.connect(through, statement_cache_size=0)
    try:
        await first.execute("set payme.business_id = 'left behind'")
        assert await second.fetchval("select current_setting('payme.business_id')") == "left behind"
        await second.execute("reset payme.business_id")
    finally:
        await first.close()
        await second.close()


async def test_nothing_of_a_transaction_reaches_the_next_client(
    through: str,
    app: Database,
    worker: Database,
    staffed: Shop,
    foreign: Shop,
    own: Belongings,
    theirs: Belongings,
    row: FaultRow,
):
    stranger = await asyncpg.connect(through, statement_cache_size=0)
    owner = await stranger.fetchval("select current_user::text")
    try:
        for _ in range(row.size(20, 200)):
            for database, role in ((app, "payme_app"), (worker, "payme_worker")):
                for shop in (staffed, foreign):
                    found = await database.run(lambda uow: uow.fetch(WHO), business_id=shop.id)
                    assert [tuple(each) for each in found] == [(role, str(shop.id))]
                    assert await database.run(lambda uow: uow.fetchval(SALES), business_id=shop.id) > 0
                    assert [tuple(each) for each in await stranger.fetch(WHO)] == [(owner, "")]
                    assert await database.run(lambda uow: uow.fetchval(SALES)) == 0
                    row.counts["sent"] += 3
            assert await worker.run(list_business_ids)
            assert await app.run(list_business_ids) == [], "the app took the worker's role over"
    finally:
        await stranger.close()


async def test_a_transaction_that_fails_leaves_nothing_either(
    through: str, app: Database, staffed: Shop, row: FaultRow
):
    stranger = await asyncpg.connect(through, statement_cache_size=0)
    owner = await stranger.fetchval("select current_user::text")
    try:
        for _ in range(row.size(5, 50)):
            with pytest.raises(asyncpg.UndefinedTableError):
                await app.run(lambda uow: uow.fetchval("select 1 from no_such_table"), business_id=staffed.id)
            assert [tuple(each) for each in await stranger.fetch(WHO)] == [(owner, "")]
            row.counts["refused"] += 1
    finally:
        await stranger.close()


async def test_a_shop_trades_through_the_pooler_and_the_next_one_sees_nothing_of_it(
    app: Database, behind: Settings, row: FaultRow
):
    mine_shop, next_shop = await make_shop(app), await make_shop(app, "Other")
    served = make_application(behind, app)
    mine, other = client_of(served, mine_shop.owner.access_token), client_of(served, next_shop.owner.access_token)
    try:
        made = await fill(mine, mine_shop)
        for shop, client, status in ((mine_shop, mine, 200), (next_shop, other, 404)):
            answer = await client.get(f"/v1/businesses/{shop.id}/sales/{made.sale_id}")
            assert answer.status_code == status, answer.text
        lists: list[httpx2.Response] = [
            await client.get(f"/v1/businesses/{shop.id}/sales")
            for shop, client in ((mine_shop, mine), (next_shop, other))
        ]
        ids = [{each["id"] for each in answer.json()["data"]} for answer in lists]
        assert str(made.sale_id) in ids[0]
        assert not ids[0] & ids[1]
        row.counts["sent"] += 12
    finally:
        await mine.aclose()
        await other.aclose()
