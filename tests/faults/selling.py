"""A shop with full shelves, and clients that sell in it for cash without pause, whatever happens to the other side.

A client behaves as the reference asks: every sale has an idempotency key, and whatever is not a final answer is asked again
with the same key and body. What it saw is kept, so that a test can hold it against the books.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

import httpx2
from pydantic import SecretStr

from payme.features import tokens
from payme.features.businesses import CreateBusiness, create_business
from payme.features.catalog import CreateProduct, create_product
from payme.features.identity import PERMISSIONS, SignUp, Visitor, sign_up
from payme.features.identity.schemas import CreateApiKey
from payme.features.identity.services.api_keys import create_api_key
from payme.features.inventory.schemas import ReceiveGoods
from payme.features.inventory.services.receive_goods import receive_goods
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork
from tests.people import PASSWORD, new_phone

SHELF = 50_000
PRICE_CENTS = 12_000
LONGEST_ANSWER_SECONDS = 6.0  # five that a request may wait, and what a busy machine adds
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class FullShop:
    """A business with stock and tokens for many sales, and a key that may do everything."""

    id: UUID
    api_key: str
    products: tuple[UUID, ...]
    owner_id: UUID | None = None

    @property
    def sales_url(self) -> str:
        return f"/v1/businesses/{self.id}/sales"

    def cart(self, number: int = 0, quantity: int = 1) -> dict[str, Any]:
        """Return the body of a sale for cash."""
        lines = [{"product_id": str(self.products[number % len(self.products)]), "quantity": str(quantity)}]
        return {"lines": lines, "tenders": [{"method": "cash", "amount_cents": PRICE_CENTS * quantity}]}


async def make_full_shop(database: Database, *, products: int = 3) -> FullShop:
    """Make such a business through the services."""
    command = SignUp(name="Wanjiku", phone=new_phone(), password=SecretStr(PASSWORD))
    person = (await sign_up(database, command, visitor=Visitor("127.0.0.1", "a test"))).user
    business_id = new_id()
    actor = Actor("user", person.id, person.name, str(person.id), PERMISSIONS)

    async def make(uow: UnitOfWork) -> str:
        await create_business(uow, CreateBusiness(name="Duka"), owner_name="Wanjiku")
        return (await create_api_key(uow, CreateApiKey(name="Till", scopes=sorted(PERMISSIONS)))).key

    async def stock(uow: UnitOfWork) -> UUID:
        product = await create_product(uow, CreateProduct(name="Unga", price_cents=PRICE_CENTS))
        goods = ReceiveGoods(product_id=product.id, quantity=Decimal(SHELF), total_cost_cents=SHELF * 9_000)
        await receive_goods(uow, goods)
        return product.id

    async def fill(uow: UnitOfWork) -> None:
        await tokens.grant(uow, SHELF, reason="test")

    key = await database.run(make, business_id=business_id, actor=actor)
    await database.run(fill, business_id=business_id, actor=actor)
    shelves = [await database.run(stock, business_id=business_id, actor=actor) for _ in range(products)]
    return FullShop(business_id, key, tuple(shelves), person.id)


@dataclass
class Sold:
    """What the clients saw: the body of each acknowledged key, every status, the slowest answer, and what must not be."""

    acknowledged: dict[str, bytes] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    last_success_at: float = 0.0

    @property
    def sale_ids(self) -> set[str]:
        return {httpx2.Response(201, content=body).json()["id"] for body in self.acknowledged.values()}


@dataclass
class Clients:
    """Clients that sell until told to stop; those who have begun a sale bring it to its end."""

    base_url: str
    shop: FullShop
    count: int = 8
    may_lose_connection: bool = False
    sold: Sold = field(default_factory=Sold)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._sell_on(number)) for number in range(self.count)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def sells_again(self, *, since: float, seconds: float) -> float:
        """Wait for a sale that succeeds after an instant of the monotonic clock; return how long after. Fails when it is late."""
        while self.sold.last_success_at <= since:
            assert time.monotonic() - since < seconds, f"no sale within {seconds} s: {self.sold.statuses}"
            await asyncio.sleep(0.02)
        return self.sold.last_success_at - since

    async def _sell_on(self, number: int) -> None:
        headers = {"authorization": f"Bearer {self.shop.api_key}"}
        async with httpx2.AsyncClient(base_url=self.base_url, headers=headers, timeout=30, trust_env=False) as client:
            while not self._stop.is_set():
                await self._sell(client, number)

    async def _sell(self, client: httpx2.AsyncClient, number: int) -> None:
        key, cart = str(new_id()), self.shop.cart(number, quantity=1 + number % 3)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            begun = time.monotonic()
            try:
                answer = await client.post(self.shop.sales_url, json=cart, headers={"idempotency-key": key})
            except httpx2.TransportError as error:
                self.sold.statuses[type(error).__name__] += 1
                if not self.may_lose_connection:
                    self.sold.faults.append(repr(error))
                await asyncio.sleep(0.05)
                continue
            self._judge(answer, time.monotonic() - begun)
            if answer.status_code == 201:
                self.sold.acknowledged[key] = answer.content
                self.sold.last_success_at = begun
                return
            await asyncio.sleep(0.1)
        self.sold.faults.append(f"{key} was never answered")

    def _judge(self, answer: httpx2.Response, seconds: float) -> None:
        self.sold.statuses[str(answer.status_code)] += 1
        self.sold.slowest_seconds = max(self.sold.slowest_seconds, seconds)
        if seconds > LONGEST_ANSWER_SECONDS:
            self.sold.faults.append(f"{answer.status_code} took {seconds:.1f} s")
        if answer.status_code == 201:
            self.sold.statuses["replayed"] += "idempotency-replayed" in answer.headers
            return
        come_back = "retry-after" in answer.headers and answer.headers["content-type"].startswith(PROBLEM)
        if answer.status_code not in {503, 409} or not come_back:
            self.sold.faults.append(f"{answer.status_code}: {answer.text}")


async def hold_against_the_books(database: Database, shop: FullShop, sold: Sold) -> None:
    """Fail unless every acknowledged sale is there exactly once and no sale is there that nobody asked for."""
    assert len(sold.sale_ids) == len(sold.acknowledged), "two keys were answered with one sale"
    async with database.unit_of_work(business_id=shop.id) as uow:
        rows = await uow.fetch("select id, status from sales where business_id = $1", shop.id)
        keys = await uow.fetch("select key, response from idempotency_keys where business_id = $1", shop.id)
        charged = await uow.fetchval(
            "select count(*) from audit_log where business_id = $1 and action = 'sale.completed'", shop.id
        )
    assert {row["status"] for row in rows} <= {"completed"}
    found = {str(row["id"]) for row in rows}
    assert sold.sale_ids - found == set(), "acknowledged and lost"
    assert found - sold.sale_ids == set(), "sold twice, or without being asked"
    assert {row["key"]: row["response"].encode() for row in keys} == sold.acknowledged
    assert charged == len(rows)
