"""Operations that are undone twice at the same moment, through API, worker and simulator: each is undone once, where M-Pesa keeps its books too.

Half of them is money that nobody awaited, sent back by two people at once and agreed to by two more; half are sales that were
paid by prompt, refunded by M-Pesa at two tills at once.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from payme.features import approvals, tokens
from payme.features.businesses.schemas import ChangeBusiness
from payme.features.businesses.services import change_business
from payme.features.identity import Proven, Role, permissions_of
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from tests.fault_rows import FULL, FaultRow
from tests.faults.prompts import at_most
from tests.faults.settled import assert_nothing_left_waiting
from tests.invariants import assert_invariants
from tests.on_the_wall import on_the_wall
from tests.stack import Stack, StackShop, open_stack, until

PRICE = 15_000
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 180)]


@pytest.mark.fault_row(8)
async def test_what_is_undone_twice_at_once_is_undone_once(row: FaultRow, base_dsn: str, worker_name: str) -> None:
    count = row.size(6, 250)
    async with open_stack(base_dsn, f"extra_{worker_name}_twice") as stack, inside(stack) as database:
        shop, paybill = await on_the_wall(stack, "paybill", goods=2 * count)
        await database.run(lambda uow: prepare(uow, 2 * count), business_id=shop.business_id)
        await stack.simulator.control.deposit(paybill, 2 * count * PRICE, account="Utility Account")
        sales = await at_most(
            8, [partial(shop.sell_by_prompt, f"25472{number:05d}00", PRICE) for number in range(count)]
        )
        for number in range(count):
            await stack.simulator.control.pay(f"25411{number:07d}", paybill, PRICE // 100)
        rows = await in_tray(shop, count)
        sold = [await shop.sale_becomes(each["id"], "completed") for each in sales]
        said = await at_most(4, [partial(returned_twice, shop, database, each) for each in rows])
        said += await at_most(4, [partial(refunded_twice, shop, each) for each in sold])
        assert all(each["done"] == 1 for each in said), Counter(map(str, said))
        await until(partial(all_left, shop, 2 * count), seconds=60 + count)
        await assert_nothing_left_waiting(database, shop.business_id)
        await assert_invariants(database, shop.business_id)
        assert await orders(stack) == {"reversal": count, "b2c": count}
        books = await shop.balances()
        assert [books.get(code, 0) for code in ("mpesa", "mpesa_unclaimed", "payments_held")] == [0, 0, 0]
        row.counts.update(sent=4 * count, applied=2 * count, refused=2 * count)


@asynccontextmanager
async def inside(stack: Stack) -> AsyncGenerator[Database]:
    """Open the stack's database in the worker's role, with connections enough for people who act at once."""
    limits = PoolLimits(connections=6, acquire_seconds=30)
    opened = await Database(stack.dsn, role="payme_worker", wiring=stack.database.wiring, limits=limits).open()
    yield opened
    await opened.close()


async def prepare(uow: UnitOfWork, quantity: int) -> None:
    """Let the shop sell and refund so often, on its owner's word alone."""
    await tokens.grant(uow, quantity, reason="test")
    trust = ChangeBusiness(
        refund_limit_cents=1_000_000_000, payout_limit_cents=PRICE, payout_day_limit_cents=1_000_000_000
    )
    await change_business(uow, trust)


async def in_tray(shop: StackShop, count: int) -> list[UUID]:
    """Wait until so many amounts lie in the tray; return their rows."""

    async def look() -> list[UUID]:
        shop.stack.require_alive()
        found = await shop.rows("select id from unclaimed_money where business_id = $1 and state = 'unclaimed'")
        return [row["id"] for row in found] if len(found) == count else []

    return await until(look, seconds=30 + count)


async def returned_twice(shop: StackShop, database: Database, row_id: UUID) -> Counter[str]:
    """Have two people send the same money back at once, and two agree to what came of it."""
    ask = partial(shop.call, "POST", f"/unclaimed/{row_id}/return", {"reason": "Wrong till"})
    answers = await asyncio.gather(ask(), ask())
    said = Counter("done" if each.is_success else each.json()["code"] for each in answers)
    assert said["done"] == 1, [each.text for each in answers]
    approval_id = next(UUID(each.json()["approval_id"]) for each in answers if each.is_success)
    actor = Actor("user", new_id(), "Otieno", "test", permissions_of([Role.MANAGER]))
    proven = Proven(business_id=shop.business_id, user_id=actor.id)

    async def agree() -> None:
        await database.run(
            lambda uow: approvals.approve(uow, approval_id, proven=proven), business_id=shop.business_id, actor=actor
        )

    await asyncio.gather(agree(), agree())
    return said


async def refunded_twice(shop: StackShop, sale: Any) -> Counter[str]:
    """Have the whole of a sale refunded at two tills at once."""
    line = {"sale_line_id": sale["lines"][0]["id"], "quantity": "1", "restock": True}
    body = {"lines": [line], "method": "mpesa", "reason": "Torn"}
    ask = partial(shop.call, "POST", f"/sales/{sale['id']}/refunds", body)
    return Counter("done" if each.is_success else each.json()["code"] for each in await asyncio.gather(ask(), ask()))


async def all_left(shop: StackShop, count: int) -> bool:
    shop.stack.require_alive()
    states = Counter(row["state"] for row in await shop.rows("select state from payouts where business_id = $1"))
    assert states["failed"] == 0, states
    pending = await shop.rows("select 1 from refunds where business_id = $1 and state <> 'completed'")
    return states == {"succeeded": count} and not pending


async def orders(stack: Stack) -> Counter[str]:
    """Return how many orders of each kind reached M-Pesa."""
    found = await stack.simulator.control.transcript(event="request")
    return Counter(each["product"] for each in found if each["product"] in {"reversal", "b2c", "b2pochi"})
