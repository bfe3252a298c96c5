"""The whole application as the API process makes it, and two shops with somebody in every role."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx2
import pytest_asyncio

from payme.entrypoints.api import all_features
from payme.entrypoints.features import wire
from payme.entrypoints.wiring import csrf_of, http_options, tools_of
from payme.features.identity import IdentityAuthenticator, Role
from payme.runtime.database import Database, PoolLimits
from payme.runtime.http import create_app
from payme.runtime.settings import Settings
from tests.people import Shop, hire, make_shop

GENEROUS = {"principal": "100000/minute", "anonymous": "100000/minute", "sign_in": "100000/minute"}
MakeClient = Callable[[str | None], httpx2.AsyncClient]


@pytest_asyncio.fixture(scope="module")
async def settings(owner_dsn: str) -> Settings:
    cheap = {"PASSWORD_MEMORY_KIB": "19456", "PASSWORD_ITERATIONS": "2"}
    return Settings.from_values({"DATABASE_URL": owner_dsn, **cheap})


@pytest_asyncio.fixture(scope="module")
async def database(owner_dsn: str, settings: Settings) -> AsyncIterator[Database]:
    opened = await Database(owner_dsn, limits=PoolLimits(connections=6), wiring=wire(tools_of(settings))).open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module")
async def make_client(database: Database, settings: Settings) -> AsyncIterator[MakeClient]:
    app = create_app(
        replace(http_options(settings), budgets=GENEROUS),
        database=database,
        authenticator=IdentityAuthenticator(database),
        csrf=csrf_of(settings),
        features=all_features(),
    )
    transport = httpx2.ASGITransport(app=app, client=("203.0.113.7", 4711), raise_app_exceptions=False)
    made: list[httpx2.AsyncClient] = []

    def make(token: str | None) -> httpx2.AsyncClient:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        made.append(httpx2.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest_asyncio.fixture(scope="module")
async def staffed(database: Database) -> Shop:
    shop = await make_shop(database)
    for role in Role:
        shop.others[role.value] = shop.owner if role is Role.OWNER else await hire(shop, role.value)
    return shop


@pytest_asyncio.fixture(scope="module")
async def foreign(database: Database) -> Shop:
    return await make_shop(database, "Other")
