"""A cash sale over HTTP is four round trips: begin and bind, lock and read, write and reply, commit."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from payme.runtime.database import Database
from tests.api.trade.conftest import Counter
from tests.stock_room import make_product, receive
from tests.trade import cash


@pytest.fixture
async def statements(database: Database) -> AsyncIterator[list[str]]:
    """Everything that any connection of the pool runs from now on."""
    heard: list[str] = []

    def hear(record: asyncpg.connection.LoggedQuery) -> None:
        heard.append(record.query)

    held: list[Any] = [await database.pool.acquire() for _ in range(database.limits.connections)]
    for each in held:
        each.add_query_logger(hear)
        await database.pool.release(each)
    yield heard
    held = [await database.pool.acquire() for _ in range(database.limits.connections)]
    for each in held:
        each.remove_query_logger(hear)
        await database.pool.release(each)


async def test_four_round_trips(owner: Counter, statements: list[str]):
    products = [await make_product(owner.shop, name=f"P{n}", price_cents=10_000) for n in range(3)]
    for product in products:
        await receive(owner.shop, product, "50", 5_000)
    # Ten per cent off is as much as one person may give: still nobody else is asked for.
    body = {
        "lines": [{"product_id": str(each), "quantity": "2", "discount_cents": 2_000} for each in products],
        "tenders": [cash(54_000, received_cents=100_000)],
    }
    assert (await owner.post("sales", body)).status_code == 201
    statements.clear()
    assert (await owner.post("sales", body)).status_code == 201
    begin, facts, write, commit = statements
    assert begin.startswith("begin; set local lock_timeout")
    assert f"set local payme.business_id = '{owner.shop.business_id}'" in begin
    assert facts.strip().startswith("-- sales.lock_facts")
    assert write.startswith("-- unit_of_work.flush")
    assert commit == "commit"


async def test_a_refusal_for_want_of_stock_costs_two_reads_more(owner: Counter, statements: list[str]):
    product = await make_product(owner.shop, price_cents=10_000)
    body = {"lines": [{"product_id": str(product), "quantity": "2"}], "tenders": [cash(20_000)]}
    assert (await owner.post("sales", body)).status_code == 409
    statements.clear()
    assert (await owner.post("sales", body)).status_code == 409
    assert "-- unit_of_work.flush" not in "".join(statements)
    assert len([each for each in statements if each.strip().startswith("-- sales.lock_facts")]) == 1
