"""The real application over identity, businesses and audit, spoken to over HTTP."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from payme.features.audit.endpoints import feature as audit_feature
from payme.features.businesses.endpoints import feature as businesses_feature
from payme.features.identity import IdentityAuthenticator
from payme.features.identity.endpoints import feature as identity_feature
from payme.runtime.database import Database, PoolLimits
from payme.runtime.http import HttpOptions, create_app
from tests.people import Shop, identity_wiring, make_identity, make_shop

FEATURES = [audit_feature, identity_feature, businesses_feature]
GENEROUS = {"principal": "100000/minute", "anonymous": "100000/minute", "sign_in": "100000/minute"}
BASE = "http://shop.test"


@pytest_asyncio.fixture(scope="module")
async def database(owner_dsn: str) -> AsyncIterator[Database]:
    opened = await Database(owner_dsn, limits=PoolLimits(connections=8), wiring=identity_wiring()).open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module")
async def app(database: Database, owner_dsn: str) -> AsyncIterator[Any]:
    authenticator = IdentityAuthenticator(database)
    await authenticator.listen(owner_dsn)
    options = HttpOptions(
        secret=b"k" * 32, budgets=GENEROUS, public_url=BASE, session_cookie="payme_session", csrf_cookie="payme_csrf"
    )
    yield create_app(
        options, database=database, authenticator=authenticator, csrf=make_identity().csrf, features=FEATURES
    )
    await authenticator.close()


@pytest_asyncio.fixture
async def make_client(app: Any) -> AsyncIterator[Callable[..., httpx2.AsyncClient]]:
    made: list[httpx2.AsyncClient] = []

    def make(token: str | None = None, **headers: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=app, client=("203.0.113.7", 4711), raise_app_exceptions=False)
        bearer = {"authorization": f"Bearer {token}"} if token else {}
        made.append(httpx2.AsyncClient(transport=transport, base_url=BASE, headers={**bearer, **headers}))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest_asyncio.fixture
async def shop(database: Database) -> Shop:
    return await make_shop(database)


@pytest.fixture
def owner(make_client: Callable[..., httpx2.AsyncClient], shop: Shop) -> httpx2.AsyncClient:
    return make_client(shop.owner.access_token)
