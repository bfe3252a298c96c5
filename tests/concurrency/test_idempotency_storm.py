"""One idempotency key, 64 requests at once, through the whole application on PostgreSQL: one sale and 64 identical answers.

Two applications stand for two API processes: a key's second request must find the first also where the two share nothing but
the database. PAYME_STORM_KEYS says how many keys are stormed.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits
from payme.runtime.settings import Settings
from tests.api_process import GENEROUS
from tests.application import client_of, make_application
from tests.faults.selling import FullShop, make_full_shop
from tests.invariants import assert_invariants

AT_ONCE = 64
KEYS = int(os.environ.get("PAYME_STORM_KEYS", "20"))
EFFECTS = """
select (select count(*) from sales where business_id = $1) as sales,
  (select count(*) from idempotency_keys where business_id = $1) as replies,
  (select count(*) from stock_movements where business_id = $1 and kind = 'sale') as movements
"""
pytestmark = [pytest.mark.faults, pytest.mark.timeout(60 + 2 * KEYS)]


@dataclass
class Storm:
    """Two applications on one database, and a shop to sell in."""

    databases: list[Database]
    clients: list[httpx2.AsyncClient]
    shop: FullShop

    async def send(self, key: str, *, quantity: int = 1) -> list[httpx2.Response]:
        """Send the same sale 64 times at once, to both applications in turn."""
        headers, cart = {"idempotency-key": key}, self.shop.cart(quantity=quantity)
        calls = [
            self.clients[turn % len(self.clients)].post(self.shop.sales_url, json=cart, headers=headers)
            for turn in range(AT_ONCE)
        ]
        return await asyncio.gather(*calls)

    async def effects(self) -> dict[str, int]:
        async with self.databases[0].unit_of_work(business_id=self.shop.id) as uow:
            row = await uow.fetchrow(EFFECTS, self.shop.id)
            assert row is not None
            return dict(row)


@pytest_asyncio.fixture
async def storm(owner_dsn: str) -> AsyncIterator[Storm]:
    settings = Settings.from_values({**GENEROUS, "DATABASE_URL": owner_dsn})
    limits, wiring = PoolLimits(connections=6, acquire_seconds=30), wire(tools_of(settings))
    databases = [await Database(owner_dsn, limits=limits, wiring=wiring).open() for _ in range(2)]
    shop = await make_full_shop(databases[0], products=1)
    clients = [client_of(make_application(settings, database), shop.api_key) for database in databases]
    yield Storm(databases, clients, shop)
    for client in clients:
        await client.aclose()
    for database in databases:
        await database.close()


async def test_64_equal_keys_at_once_have_one_effect_and_64_identical_answers(storm: Storm) -> None:
    rng = random.Random(KEYS)
    for number in range(1, KEYS + 1):
        key = str(new_id())
        answers = await storm.send(key, quantity=rng.randint(1, 5))
        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        assert len({answer.content for answer in answers}) == 1
        assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
        assert await storm.effects() == {"sales": number, "replies": number, "movements": number}
        other = await storm.clients[number % 2].post(
            storm.shop.sales_url, json=storm.shop.cart(quantity=6), headers={"idempotency-key": key}
        )
        assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")
    assert (await storm.effects())["sales"] == KEYS
    await assert_invariants(storm.databases[0], storm.shop.id)


async def test_of_two_bodies_under_one_key_at_once_one_has_its_effect(storm: Storm) -> None:
    key = str(new_id())
    one, other = await asyncio.gather(storm.send(key, quantity=1), storm.send(key, quantity=2))
    won, lost = (one, other) if one[0].status_code == 201 else (other, one)
    assert {answer.status_code for answer in won} == {201}
    assert len({answer.content for answer in won}) == 1
    assert {(answer.status_code, answer.json()["code"]) for answer in lost} == {(422, "idempotency.key_reused")}
    assert await storm.effects() == {"sales": 1, "replies": 1, "movements": 1}
    await assert_invariants(storm.databases[0], storm.shop.id)
