"""Shops and people whose encrypted values a test knows, on a database of their own, and the ways that the product reads them.

Not a plugin; a conftest imports the fixture `town`. Two keys: what is made here is under the first.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features.identity import get_profile
from payme.features.payments import ConfigureMethod, configure_method
from payme.features.payments.services.gateway import SharedTokens, collector_of
from payme.integrations.daraja import Token
from payme.kit.time import FrozenClock
from payme.runtime.database import Database, PoolLimits
from payme.runtime.security import FieldCipher
from payme.runtime.settings import Settings
from tests.payment_room import ACCOUNT, SETTINGS, Till, open_till
from tests.people import Person

OLD_KEY, NEW_KEY = "0f" * 16 + "a5" * 16, "5a" * 16 + "f0" * 16
BEFORE = {"ENCRYPTION_KEY_ID": "k1", "ENCRYPTION_KEY": OLD_KEY}
"""The first key alone."""
DURING = {"ENCRYPTION_KEY_ID": "k2", "ENCRYPTION_KEY": NEW_KEY, "ENCRYPTION_KEYS_PREVIOUS": f"k1:{OLD_KEY}"}
"""The second one is the present one; the first still reads."""
AFTER = {"ENCRYPTION_KEY_ID": "k2", "ENCRYPTION_KEY": NEW_KEY}
"""The second key alone."""
APP = "an app"
TOKEN = "an access token that nobody may read"


def settings_of(dsn: str, keys: dict[str, str]) -> Settings:
    return Settings.from_values({**SETTINGS, **keys, "DATABASE_URL": dsn})


async def opened(dsn: str, keys: dict[str, str], *, role: str = "payme_app") -> Database:
    wiring = wire(tools_of(settings_of(dsn, keys)))
    clock = FrozenClock(datetime(2026, 11, 22, 7, 0, tzinfo=UTC))
    return await Database(dsn, role=role, wiring=wiring, clock=clock, limits=PoolLimits(connections=3)).open()


@dataclass
class Town:
    """Shops whose secrets are known to the test, on a database of their own."""

    dsn: str
    database: Database
    owner: Any

    async def shop(self) -> Till:
        assert isinstance(self.database.clock, FrozenClock)
        till = await open_till(self.database, self.database.clock, owner_dsn=self.dsn)
        second = ConfigureMethod.model_validate(
            ACCOUNT | {"shortcode": "600100", "passkey": "another", "till_number": "5123456"}
        )
        await till.run(lambda uow: configure_method(uow, "till", second))
        holder, now = UUID(int=1).hex, self.database.clock.now()
        assert await tokens_of(till).try_lease(APP, holder=holder, seconds=60)
        kept = await tokens_of(till).store_token(APP, Token(TOKEN, now, now + timedelta(hours=1)), holder=holder)
        assert kept
        return till


def tokens_of(till: Till) -> SharedTokens:
    """Return the shop's store of access tokens."""
    return SharedTokens(till.database, till.business_id, till.database.wiring.tools[FieldCipher])


@pytest_asyncio.fixture(loop_scope="session")
async def town(make_database: Callable[..., Any]) -> AsyncIterator[Town]:
    """A database under the first key, and a hand of its owner's that row-level security does not hold back."""
    dsn = await make_database()
    database, owner = await opened(dsn, BEFORE), await asyncpg.connect(dsn)
    for table in ("payments", "payment_methods", "daraja_apps"):
        await owner.execute(f"alter table {table} no force row level security")
    yield Town(dsn, database, owner)
    await owner.close()
    await database.close()


async def read_all(town: Town, till: Till, person: Person, *, through: Database | None = None) -> None:
    """Read each kind of encrypted value as the product does, in a process with other keys where one is given."""
    database = through or town.database
    reader = Till(database, till.clock, till.business_id, till.actor, town.dsn)
    profile, _ = await database.run(lambda uow: get_profile(uow, person.id))
    assert profile.phone == person.phone
    errand = await reader.begin((await reader.request()).id)
    assert errand is not None
    assert errand.msisdn == "254711000100"
    assert (await reader.run(lambda uow: collector_of(uow, "business"))).account.passkey == ACCOUNT["passkey"]
    token = await tokens_of(reader).find_token(APP)
    assert token is not None
    assert token.access_token == TOKEN


async def move(owner: Any, table: str, *, column: str, source: str, target: str, other_column: str = "") -> None:
    """Copy a ciphertext from one row to another, as somebody with a hand on the tables can; conditions name the rows."""
    value = await owner.fetchval(f"select {other_column or column} from {table} where {source}")
    assert value is not None
    assert await owner.execute(f"update {table} set {column} = $1 where {target}", value) == "UPDATE 1"
