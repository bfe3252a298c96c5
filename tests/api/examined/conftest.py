"""The API as a process on a database of its own, a shop full of things in it, and a witness that sees every row.

Invariant: the witness counts and hashes whole tables, so that nothing a request wrote can hide from it.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features import tokens
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits
from payme.runtime.settings import Settings
from tests.api.access.conftest import Belongings, fill
from tests.api.access.written import tenant_tables
from tests.api_process import GENEROUS, ApiProcess
from tests.architecture.catalogue_rules import WITHOUT_TENANT
from tests.people import Person, Shop, make_person, make_shop
from tests.postgres import copy_database, drop_database

LIMITLESS: dict[str, Any] = {
    "RATE_LIMIT_SIGN_IN": "1000000/minute",
    "RATE_LIMIT_PROMPTS": "1000000/minute",
    "RATE_LIMIT_CALLBACKS": "1000000/minute",
    "LOGIN_FAILURES": "1000000",
    "LOGIN_FAILURES_PER_ADDRESS": "1000000",
    "STREAM_SECONDS": "0.2",
}
PAYBILL = {
    "shortcode": "174379",
    "account_reference": "DUKA",
    "environment": "sandbox",
    "consumer_key": "key",
    "consumer_secret": "secret",
    "passkey": "passkey",
}
_UNWATCHED = frozenset({"sessions", "pgqueuer_statistics", "pgqueuer_log", "schema_migrations", "sync_audit"})
"""Sign-ins, what devices asked for and the queue's own notes: no part of what a refused request could have written."""
Traces = dict[str, tuple[int, Any]]


@dataclass(frozen=True)
class Witness:
    """A connection of its own that sees every row of a shop and every row that belongs to none."""

    connection: asyncpg.Connection
    sql: str

    async def look(self) -> Traces:
        """Return how many rows each table has, and a checksum of them."""
        return {row[0]: (row[1], row[2]) for row in await self.connection.fetch(self.sql)}


@dataclass(frozen=True)
class Place:
    """What is examined: the process, the shop, its things, and who is signed in."""

    api: ApiProcess
    database: Database
    shop: Shop
    things: Belongings
    leaver: Person
    """Somebody whose sessions may end."""
    witness: Witness

    def client(self, token: str | None = None) -> httpx2.AsyncClient:
        """Return a client of the process; the owner's unless another token is given."""
        headers = {"authorization": f"Bearer {token or self.shop.owner.access_token}"}
        return httpx2.AsyncClient(base_url=self.api.base_url, headers=headers, timeout=30, trust_env=False)


async def witness_of(dsn: str, shop: Shop) -> Witness:
    """Return a witness in a shop."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"select set_config('payme.business_id', '{shop.id}', false)")
    queries = [
        f"select '{name}', count(*), sum(hashtextextended(t::text, 0)::numeric) from {name} t"
        for name in (*await tenant_tables(dsn), *sorted(WITHOUT_TENANT))
        if name not in _UNWATCHED
    ]
    return Witness(connection, " union all ".join(queries))


@pytest_asyncio.fixture(scope="module")
async def examined_dsn(base_dsn: str, worker_name: str) -> AsyncIterator[str]:
    name = f"extra_examined_{worker_name}"
    yield await copy_database(base_dsn, name)
    await drop_database(base_dsn, name)


@pytest_asyncio.fixture(scope="module")
async def place(examined_dsn: str, tmp_path_factory: Any) -> AsyncIterator[Place]:
    settings = Settings.from_values({**GENEROUS, "DATABASE_URL": examined_dsn})
    limits = PoolLimits(connections=2)
    database = await Database(examined_dsn, limits=limits, wiring=wire(tools_of(settings))).open()
    shop = await make_shop(database)
    await database.run(lambda uow: tokens.grant(uow, 100_000, reason="test"), business_id=shop.id)
    api = ApiProcess(examined_dsn, log_of(tmp_path_factory), **LIMITLESS)
    await asyncio.to_thread(api.__enter__)
    witness = await witness_of(examined_dsn, shop)
    try:
        made = Place(api, database, shop, await _things(api, shop), await make_person(database, "Akinyi"), witness)
        yield made
        assert api.is_alive
    finally:
        await asyncio.to_thread(api.stop)
        await witness.connection.close()
        await database.close()


def log_of(factory: Any) -> Path:
    """Return where a process writes its log."""
    return Path(factory.mktemp("api")) / "api.log"


async def _things(api: ApiProcess, shop: Shop) -> Belongings:
    headers = {"authorization": f"Bearer {shop.owner.access_token}", "idempotency-key": str(new_id())}
    async with httpx2.AsyncClient(base_url=api.base_url, headers=headers, timeout=30, trust_env=False) as client:
        method = await client.put(f"/v1/businesses/{shop.id}/payment-methods/paybill", json=PAYBILL)
        assert method.status_code == 201, method.text
        return await fill(client, shop)
