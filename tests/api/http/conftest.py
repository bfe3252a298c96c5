from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest

from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits
from payme.runtime.http import HttpOptions, create_app
from tests.api.http.shelf import FEATURE, Doorman, Stamps

GENEROUS = {"principal": "100000/minute", "anonymous": "100000/minute", "callbacks": "100000/minute"}


@pytest.fixture(scope="session")
async def database(owner_dsn: str) -> AsyncIterator[Database]:
    database = await Database(owner_dsn, limits=PoolLimits(connections=6)).open()
    yield database
    await database.close()


@pytest.fixture
def doorman() -> Doorman:
    return Doorman()


@pytest.fixture
async def business_id(owner_dsn: str) -> UUID:
    found = new_id()
    connection = await asyncpg.connect(owner_dsn)
    try:
        async with connection.transaction():
            await connection.execute(f"set local payme.business_id = '{found}'")
            await connection.execute(
                "insert into businesses (business_id, name, created_at) values ($1, 'Duka', now())", found
            )
    finally:
        await connection.close()
    return found


@pytest.fixture
def make_app(database: Database, doorman: Doorman) -> Callable[..., Any]:
    def make(**options: Any) -> Any:
        settings = HttpOptions(secret=b"k" * 32, **{"budgets": GENEROUS, "access_log": False, **options})
        return create_app(settings, database=database, authenticator=doorman, csrf=Stamps(), features=[FEATURE])

    return make


@pytest.fixture
async def make_client(make_app: Callable[..., Any]) -> AsyncIterator[Callable[..., httpx2.AsyncClient]]:
    made: list[httpx2.AsyncClient] = []

    def make(
        app: Any = None, *, token: str | None = "amina", address: str = "203.0.113.7", **options: Any
    ) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(
            app=app or make_app(**options), client=(address, 4711), raise_app_exceptions=False
        )
        headers = {"authorization": f"Bearer {token}"} if token else {}
        made.append(httpx2.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture
def client(make_client: Callable[..., httpx2.AsyncClient], doorman: Doorman, business_id: UUID) -> httpx2.AsyncClient:
    doorman.register("amina", business_id)
    return make_client()


@pytest.fixture
def shelf(business_id: UUID) -> str:
    return f"/v1/businesses/{business_id}/shelf"


@pytest.fixture
def count_branches(owner_dsn: str, business_id: UUID) -> Callable[[], Any]:
    async def count() -> int:
        connection = await asyncpg.connect(owner_dsn)
        try:
            async with connection.transaction():
                await connection.execute(f"set local payme.business_id = '{business_id}'")
                return await connection.fetchval("select count(*) from branches where business_id = $1", business_id)
        finally:
            await connection.close()

    return count
