"""What somebody outside can make us do: a hash holds no connection, and guessed keys are not looked for without end."""

from collections import Counter
from dataclasses import replace

import httpx2
import pytest_asyncio
from fastapi import FastAPI

from payme.features.identity import Identity, IdentityAuthenticator
from payme.features.identity.schemas import CreateApiKey
from payme.features.identity.services.api_keys import create_api_key
from payme.features.identity.services.secrets import new_business_secret
from payme.runtime.database import Database, Wiring
from payme.runtime.http import HttpOptions, create_app
from payme.runtime.security import PasswordHasher
from tests.api.identity.conftest import BASE, FEATURES, GENEROUS
from tests.people import Shop, hire, make_identity


def client_of(app: FastAPI, token: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, client=("203.0.113.8", 4711), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url=BASE, headers={"authorization": f"Bearer {token}"})


@pytest_asyncio.fixture
async def authenticator(database: Database) -> IdentityAuthenticator:
    return IdentityAuthenticator(database)


async def test_guessed_keys_are_looked_for_as_often_as_an_address_may_call(
    database: Database, authenticator: IdentityAuthenticator, shop: Shop
):
    command = CreateApiKey(name="Export", scopes=["sales.read"])
    made = await database.run(lambda uow: create_api_key(uow, command), business_id=shop.id, actor=shop.acting())
    options = HttpOptions(secret=b"k" * 32, budgets={**GENEROUS, "anonymous": "5/minute"}, public_url=BASE)
    app = create_app(
        options, database=database, authenticator=authenticator, csrf=make_identity().csrf, features=FEATURES
    )
    place = f"/v1/businesses/{shop.id}/branches"
    known = client_of(app, made.key)
    assert (await known.get(place)).status_code == 403, "a good key without the permission"
    before, statuses = authenticator.lookups, Counter[int]()
    for _ in range(20):
        guess = client_of(app, new_business_secret("pk_test_", shop.id))
        statuses[(await guess.get(place)).status_code] += 1
        await guess.aclose()
    assert statuses == {401: 5, 429: 15}
    assert authenticator.lookups == before + 5
    assert (await known.get(place)).status_code == 403, "whoever is known goes on from the same address"
    await known.aclose()


class Watching(PasswordHasher):
    """Hashes, and notes how many connections were idle meanwhile."""

    def __init__(self) -> None:
        super().__init__(memory_kib=19_456, iterations=2)
        self.database: Database | None = None
        self.idle: list[int] = []

    def hash(self, password: str) -> str:
        if self.database is not None:
            self.idle.append(self.database.pool.get_idle_size())
        return super().hash(password)


async def test_a_pin_is_hashed_while_no_connection_is_held(owner_dsn: str, shop: Shop):
    hasher = Watching()
    identity = replace(make_identity(), pins=hasher)
    database = await Database(owner_dsn, wiring=Wiring(tools={Identity: identity})).open()
    cashier = await hire(shop, "cashier")
    app = create_app(
        HttpOptions(secret=b"k" * 32, budgets=GENEROUS, public_url=BASE),
        database=database, authenticator=IdentityAuthenticator(database), csrf=identity.csrf, features=FEATURES,
    )  # fmt: skip
    hasher.database = database
    client = client_of(app, shop.owner.access_token)
    answer = await client.put(f"/v1/businesses/{shop.id}/members/{cashier.id}/pin", json={"pin": "482916"})
    assert answer.status_code == 204, answer.text
    assert hasher.idle == [database.limits.connections]
    await client.aclose()
    await database.close()
