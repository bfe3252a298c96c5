"""A town of shops that are copies of one: made by the product's own services, multiplied inside the database.

Every id of a copy is the model's with the number of the copy in its last 32 bits, so a load generator names any row by
integers. Invariant: the town holds to every invariant before any load does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from payme.features.businesses import PLATFORM_BUSINESS_ID, CreateBusiness, create_business, ensure_platform_business
from payme.features.businesses.repository import find_till
from payme.features.catalog import CreateProduct, VatClass, create_product
from payme.features.identity import PERMISSIONS, SignUp, Visitor, sign_up
from payme.features.identity.schemas import CreateApiKey
from payme.features.identity.services.api_keys import create_api_key
from payme.features.identity.services.secrets import new_business_secret
from payme.features.inventory.schemas import ReceiveGoods
from payme.features.inventory.services.receive_goods import receive_goods
from payme.features.tokens import services as tokens
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.security import hash_token

PRICE_CENTS: Final = 15_000
UNIT_COST_CENTS: Final = 10_000
BATCH: Final = Decimal(10_000_000)
BATCHES: Final = 2
TOKENS: Final = 1_000_000_000
_KEY_PREFIX: Final = "pk_test_"
_SQL: Final = Path(__file__).with_name("town.sql")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Model:
    """The ids of the shop that all others copy; `batches` are those that a sale takes from first."""

    business_id: UUID
    person_id: UUID
    branch_id: UUID
    till_id: UUID
    key_id: UUID
    products: Sequence[UUID]
    batches: Sequence[UUID]

    def in_shop(self, number: int) -> "Model":
        """Return the same ids as a copy has them; the person is one and the same."""
        here = partial(copied, copy=number)
        return Model(
            here(self.business_id), self.person_id, here(self.branch_id), here(self.till_id), here(self.key_id),
            [*map(here, self.products)], [*map(here, self.batches)],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Town:
    """Shops 1 to `shops`, each with the model's products; a key of each is in `keys`, the first shop's first."""

    model: Model
    shops: int
    keys: Sequence[str] = field(repr=False)

    def shop(self, number: int) -> UUID:
        """Return the business id of a shop."""
        return copied(self.model.business_id, number)


def copied(model: UUID, copy: int) -> UUID:
    """Return the id that a row of the model has in a copy; `bench.copied` in Python."""
    return UUID(hex=model.hex[:24] + f"{copy:08x}")


async def build(database: Database, superuser_dsn: str, *, shops: int, products: int) -> Town:
    """Make the model shop by its services and multiply it. The database is migrated and empty."""
    await database.run(ensure_platform_business, business_id=PLATFORM_BUSINESS_ID)
    model = await _make_model(database, products)
    keys = [new_business_secret(_KEY_PREFIX, copied(model.business_id, each)) for each in range(1, shops + 1)]
    connection: asyncpg.Connection = await asyncpg.connect(superuser_dsn)
    try:
        await connection.execute(await asyncio.to_thread(_SQL.read_text))
        async with connection.transaction():
            await connection.execute(
                "select bench.copy_shop($1, $2, $3)", model.business_id, model.person_id, shops, timeout=3600
            )
            await connection.execute(
                """update api_keys k set key_hash = t.key_hash from unnest($1::uuid[], $2::bytea[]) t (business_id, key_hash)
                where k.business_id = t.business_id""",
                [copied(model.business_id, each) for each in range(1, shops + 1)],
                [hash_token(key) for key in keys],
            )
        await connection.execute("vacuum analyze", timeout=3600)
        await connection.execute("checkpoint")
    finally:
        await connection.close()
    return Town(model, shops, keys)


async def _make_model(database: Database, products: int) -> Model:
    command = SignUp(name="Wanjiku", phone="0712000001", password=SecretStr("maji-ya-chai-2026"))
    person = (await sign_up(database, command, visitor=Visitor("127.0.0.1", "bench"))).user
    business_id = new_id()
    actor = Actor("user", person.id, person.name, str(person.id), PERMISSIONS)

    async def run(work: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        return await database.run(work, business_id=business_id, actor=actor)

    await run(lambda uow: create_business(uow, CreateBusiness(name="Duka"), owner_name="Wanjiku"))
    await run(lambda uow: tokens.grant(uow, TOKENS, reason="load"))
    key = await run(lambda uow: create_api_key(uow, CreateApiKey(name="Load", scopes=sorted(PERMISSIONS))))
    made: list[UUID] = []
    batches: list[UUID] = []
    for number in range(1, products + 1):
        product = await run(lambda uow, n=number: create_product(uow, _product(n)))
        received = [new_id() for _ in range(BATCHES)]
        for batch in received:
            await run(lambda uow, p=product.id, b=batch: receive_goods(uow, _delivery(p, b)))
        made.append(product.id)
        batches.append(received[0])
    till = await run(lambda uow: find_till(uow, None))
    assert till is not None, "a business is opened with a till"
    return Model(business_id, person.id, till.branch_id, till.id, key.id, made, batches)


def _product(number: int) -> CreateProduct:
    # One name length and one price, so that every sale of three lines is the same work.
    name = f"Unga wa ugali wa dona {number:04d}"
    return CreateProduct(name=name, sku=f"UNG-{number:04d}", price_cents=PRICE_CENTS, vat_class=VatClass.B)


def _delivery(product_id: UUID, batch_id: UUID) -> ReceiveGoods:
    return ReceiveGoods(
        id=batch_id, product_id=product_id, quantity=BATCH, total_cost_cents=int(BATCH) * UNIT_COST_CENTS
    )
