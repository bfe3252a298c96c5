"""The whole application over a shop that can trade, and a client for each of its people."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest_asyncio

from payme.entrypoints.api import all_features
from payme.entrypoints.wiring import csrf_of, http_options
from payme.features.identity import IdentityAuthenticator, Role, add_member
from payme.kit.ids import new_id
from payme.runtime.database import Database
from payme.runtime.http import create_app
from tests.people import Person, make_person
from tests.trade import TradingShop, database, other_shop, settings_for, shop

__all__ = ["database", "other_shop", "shop"]
GENEROUS = {"principal": "100000/minute", "anonymous": "100000/minute", "prompts": "100000/minute"}


@dataclass
class Counter:
    """Somebody's client, whose paths begin at a business."""

    http: httpx2.AsyncClient
    shop: TradingShop

    async def get(self, path: str, **query: Any) -> httpx2.Response:
        return await self.http.get(path, params=query)

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx2.Response:
        headers = {"idempotency-key": key or str(new_id())}
        return await self.http.post(path, json=body, headers=headers)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def app(database: Database, owner_dsn: str) -> Any:
    settings = settings_for(owner_dsn)
    return create_app(
        replace(http_options(settings), budgets=GENEROUS, access_log=False),
        database=database,
        authenticator=IdentityAuthenticator(database),
        csrf=csrf_of(settings),
        features=all_features(),
    )


@pytest_asyncio.fixture(loop_scope="session")
async def counter_for(app: Any) -> AsyncIterator[Callable[[TradingShop, Person], Counter]]:
    """Give a function that makes a client for a person in a business."""
    made: list[httpx2.AsyncClient] = []

    def make(shop: TradingShop, person: Person) -> Counter:
        transport = httpx2.ASGITransport(app=app, client=("203.0.113.7", 4711), raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {person.access_token}"}
        base_url = f"http://shop.test/v1/businesses/{shop.business_id}/"
        made.append(httpx2.AsyncClient(transport=transport, base_url=base_url, headers=headers))
        return Counter(made[-1], shop)

    yield make
    for each in made:
        await each.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def owner(counter_for: Callable[..., Counter], shop: TradingShop) -> Counter:
    assert shop.owner is not None
    return counter_for(shop, shop.owner)


@pytest_asyncio.fixture(loop_scope="session")
async def cashier(counter_for: Callable[..., Counter], shop: TradingShop) -> Counter:
    person = await make_person(shop.database, "Otieno")
    await shop.run(lambda uow: add_member(uow, person.id, display_name="Otieno", roles=[Role.CASHIER]))
    return counter_for(shop, person)
