"""A database in the app's role and a fresh business for each test, made with the least that a business needs.

Not a plugin; a conftest imports the fixtures: `database` (this worker's, open), `shop` and `other_shop` (two tenants).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import pytest_asyncio

from payme.features import ledger
from payme.features.inventory.tasks import tasks as inventory_tasks
from payme.kit.actor import SYSTEM, Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits, UnitOfWork, Wiring
from payme.runtime.jobs import reactions

Result = TypeVar("Result")


@dataclass
class Shop:
    """One tenant, and transactions as any of its people."""

    database: Database
    business_id: UUID
    actor: Actor = SYSTEM

    def as_person(self, *permissions: str) -> "Shop":
        """Return the same shop for somebody who holds these permissions."""
        return Shop(
            self.database, self.business_id, Actor("user", new_id(), "Somebody", "test", frozenset(permissions))
        )

    async def run(self, work: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        """Run work in one transaction of the shop, retried when the rows were busy, and commit it."""
        return await self.database.run(work, business_id=self.business_id, actor=self.actor)

    async def value(self, sql: str, *arguments: Any) -> Any:
        """Return one figure as the shop sees it; `$1` is the business."""
        return await self.run(lambda uow: uow.fetchval(sql, self.business_id, *arguments))

    async def rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Return rows as the shop sees them; `$1` is the business."""
        return [tuple(row) for row in await self.run(lambda uow: uow.fetch(sql, self.business_id, *arguments))]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(owner_dsn: str) -> AsyncIterator[Database]:
    """This worker's database, in the role that owns nothing."""
    limits = PoolLimits(connections=8, acquire_seconds=30)
    opened = await Database(owner_dsn, limits=limits, wiring=Wiring(reactions=reactions([inventory_tasks]))).open()
    yield opened
    await opened.close()


async def open_shop(database: Database) -> Shop:
    """Make a business with its books and nothing else."""
    business_id = new_id()

    async def work(uow: UnitOfWork) -> None:
        await uow.execute(
            "insert into businesses (business_id, name, created_at) values ($1, 'Duka', $2)", business_id, uow.now
        )
        await ledger.open_accounts(uow)

    await database.run(work, business_id=business_id)
    return Shop(database, business_id)


@pytest_asyncio.fixture(loop_scope="session")
async def shop(database: Database) -> Shop:
    """A fresh business."""
    return await open_shop(database)


@pytest_asyncio.fixture(loop_scope="session")
async def other_shop(database: Database) -> Shop:
    """Another fresh business."""
    return await open_shop(database)
