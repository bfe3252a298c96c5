from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx2
import pytest_asyncio

from payme.features.catalog import endpoints as catalog
from payme.features.identity import IdentityAuthenticator
from payme.features.inventory import endpoints as inventory
from payme.features.inventory.tasks import tasks as inventory_tasks
from payme.features.ledger.tasks import tasks as ledger_tasks
from payme.runtime.database import Database, PoolLimits
from payme.runtime.http import HttpOptions, create_app
from payme.runtime.jobs import reactions
from payme.runtime.security import CsrfTokens
from tests.people import SECRET, Person, Shop, identity_wiring, make_shop

Client = httpx2.AsyncClient
ClientFor = Callable[[Shop, Person], Client]
BUDGETS = {"principal": "100000/minute", "anonymous": "100000/minute"}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(owner_dsn: str) -> AsyncIterator[Database]:
    wiring = replace(identity_wiring(), reactions=reactions([ledger_tasks, inventory_tasks]))
    opened = await Database(owner_dsn, limits=PoolLimits(connections=6), wiring=wiring).open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def shop(database: Database) -> Shop:
    return await make_shop(database)


@pytest_asyncio.fixture(loop_scope="session")
async def client_for(database: Database) -> AsyncIterator[ClientFor]:
    """Give a function that makes a client for a person, whose paths begin at a business."""
    app = create_app(
        HttpOptions(secret=b"k" * 32, budgets=BUDGETS, access_log=False),
        database=database,
        authenticator=IdentityAuthenticator(database),
        csrf=CsrfTokens(SECRET),
        features=[catalog.feature, inventory.feature],
    )
    made: list[Client] = []

    def make(shop: Shop, person: Person) -> Client:
        transport = httpx2.ASGITransport(app=app, client=("203.0.113.7", 4711), raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {person.access_token}"}
        made.append(Client(transport=transport, base_url=f"http://shop.test/v1/businesses/{shop.id}/", headers=headers))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def client(client_for: ClientFor, shop: Shop) -> Client:
    """The owner's client."""
    return client_for(shop, shop.owner)
