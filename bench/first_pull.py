"""The first pull of a large shop by HTTP, beside PostgreSQL's own COPY of the same rows: how much the way to a till costs.

The shop has 20,000 products and 5,000 customers. A till that is new pulls both collections page by page; COPY brings the same
rows of the same tables out over the loopback. Invariant: every sample pulls everything, and counts it.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx2

from bench.ground import Api, Ground, open_database
from payme.features import identity
from payme.features.businesses import CreateBusiness, create_business
from payme.features.catalog import CreateProduct
from payme.features.catalog.repository import insert_products
from payme.features.customers import CreateCustomer, create_customer
from payme.features.identity import PERMISSIONS, MakeDeviceCode
from payme.features.sync import RegisterDevice, register_device
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork

PRODUCTS: Final = 20_000
CUSTOMERS: Final = 5_000
PAGE: Final = 1_000
_AT_ONCE: Final = 500
_FIRST_PHONE: Final = 254_700_000_000


async def measure_first_pull(
    ground: Ground, api: Api, *, samples: int, sizes: tuple[int, int] = (PRODUCTS, CUSTOMERS)
) -> list[dict[str, float]]:
    """Make the shop, and return for each sample the seconds of a first pull and of COPY, and how many documents came."""
    database = await open_database(ground.environment, connections=2).open()
    try:
        business_id, credential = await _open_shop(ground, database, sizes)
    finally:
        await database.close()
    taken: list[dict[str, float]] = []
    for _ in range(samples):
        copied = await _copy(ground, business_id)
        begun = time.perf_counter()
        documents = await asyncio.to_thread(_pull, api, business_id, credential)
        seconds = time.perf_counter() - begun
        if documents != sum(sizes):
            raise RuntimeError(f"{documents} documents came of {sum(sizes)}")
        taken.append({"pull_seconds": seconds, "copy_seconds": copied, "documents": documents})
    return taken


async def _open_shop(ground: Ground, database: Database, sizes: tuple[int, int]) -> tuple[UUID, str]:
    person, business_id = ground.town.model.person_id, new_id()
    actor = Actor("user", person, "Wanjiku", str(person), PERMISSIONS)

    async def run(work: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        return await database.run(work, business_id=business_id, actor=actor)

    async def stock(uow: UnitOfWork, first: int, last: int) -> None:
        products = {new_id(): CreateProduct(name=f"Product {each}", price_cents=15_000) for each in range(first, last)}
        await insert_products(uow, products)
        for each in products:
            uow.touch("products", each)

    async def meet(uow: UnitOfWork, first: int, last: int) -> None:
        for each in range(first, last):
            await create_customer(uow, CreateCustomer(name=f"Customer {each}", phone=f"+{_FIRST_PHONE + each}"))

    await run(lambda uow: create_business(uow, CreateBusiness(name="Duka kubwa"), owner_name="Wanjiku"))
    for make, size in zip((stock, meet), sizes, strict=True):
        for first in range(0, size, _AT_ONCE):
            await run(partial(make, first=first, last=min(first + _AT_ONCE, size)))
    code = await run(lambda uow: identity.make_code(uow, MakeDeviceCode(name="Counter")))
    return business_id, (await register_device(database, RegisterDevice(code=code.code))).credential


def _pull(api: Api, business_id: UUID, credential: str) -> int:
    """Pull both collections from their beginning, as a new till does; return how many documents came."""
    count = 0
    headers = {"authorization": f"Bearer {credential}", "x-sync-protocol": "1"}
    url = f"{api.base_url}/v1/businesses/{business_id}/sync/"
    with httpx2.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as http:
        for collection in ("products", "customers"):
            checkpoint, came = dict[str, Any](), PAGE
            while came == PAGE:
                answer = http.get(f"{collection}/pull", params={**checkpoint, "limit": PAGE})
                page = json.loads(answer.raise_for_status().content)
                checkpoint, came = page["checkpoint"], len(page["documents"])
                count += came
    return count


async def _copy(ground: Ground, business_id: UUID) -> float:
    """Return the seconds in which COPY brings out the same rows."""
    superuser: asyncpg.Connection = await asyncpg.connect(ground.address.dsn(ground.database, user="postgres"))
    sizes: list[int] = []

    async def take(piece: bytes) -> None:
        sizes.append(len(piece))

    try:
        begun = time.perf_counter()
        await superuser.copy_from_query("select * from products where business_id = $1", business_id, output=take)
        await superuser.copy_from_query("select * from customers where business_id = $1", business_id, output=take)
        return time.perf_counter() - begun
    finally:
        await superuser.close()
