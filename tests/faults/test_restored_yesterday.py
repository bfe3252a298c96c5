"""The database goes back to yesterday's raw copy while tills are ahead of it: the epoch tells them, and the books end exact."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.runtime.database import Database, PoolLimits
from payme.runtime.database.embedded import EmbeddedServer
from payme.runtime.settings import Settings
from tests.api_process import GENEROUS, ApiProcess
from tests.fault_rows import FaultRow
from tests.faults.base_backup import take_base_backup
from tests.faults.places import Place, open_place
from tests.faults.returning import ReturningTill, client, enrol
from tests.faults.selling import PRICE_CENTS
from tests.features.operations.commands import payme
from tests.invariants import assert_invariants
from tests.trade import TradingShop

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
BEFORE, UNSENT = 10, 5
MILLION = 1_000_000


@pytest_asyncio.fixture
async def place(open_folder: Path) -> AsyncIterator[Place]:
    async with open_place(open_folder / "today", durable=True) as opened:
        yield opened


@pytest.mark.fault_row(28)
async def test_tills_ahead_of_a_restore_send_again_what_it_lacks(
    place: Place, open_folder: Path, row: FaultRow
) -> None:
    ahead, shop = row.size(10, 50), place.shop
    assert shop.owner_id is not None
    tills = [await enrol(place.api.base_url, shop.id, shop.api_key, shop.owner_id) for _ in range(2)]
    await trade(tills, place, BEFORE)
    yesterday = open_folder / "yesterday" / "data"
    restored = EmbeddedServer(yesterday, tied=True)
    await take_base_backup(place.server, yesterday)
    await trade(tills, place, ahead)
    for each in tills:
        each.keep(*(sale(each, place) for _ in range(UNSENT)))
    dsn = (await asyncio.to_thread(restored.start)).dsn()
    api = ApiProcess(dsn, open_folder / "restored.log")
    try:
        code, output = await payme("sync", "begin-epoch", "--yes", DATABASE_URL=dsn)
        assert code == 0, output
        await asyncio.to_thread(api.__enter__)
        database = await opened(dsn)
        try:
            await meet_again(place, tills, api, row)
            assert await state(TradingShop(database, shop.id)) == await would_have_been(place, tills)
            await assert_invariants(database, shop.id)
        finally:
            await database.close()
    finally:
        await asyncio.to_thread(api.stop)
        await asyncio.to_thread(restored.stop)
    for each in tills:
        row.counts["sent"] += len(each.sent)
        row.counts["applied"] += len(each.verdicts)


async def trade(tills: list[ReturningTill], place: Place, count: int) -> None:
    """Sell so many at each till, with the network on: pushed, answered, and pulled again."""
    for each in tills:
        each.keep(*(sale(each, place) for _ in range(count)))
    for each in tills:
        await each.return_to(each.http)
    assert [each.epoch for each in tills] == [1, 1]


def sale(till: ReturningTill, place: Place) -> dict[str, Any]:
    return till.sale((place.shop.products[0], 1), total_cents=PRICE_CENTS)


async def meet_again(place: Place, tills: list[ReturningTill], api: ApiProcess, row: FaultRow) -> None:
    """Sell at the counter of the restored shop, have the tills come back to it, and see what each is told."""
    ahead, shop = row.size(10, 50), place.shop
    await sell_at_the_counter(api.base_url, place)
    for each in tills:
        old, unsent = dict(each.checkpoint), [command["id"] for command in each.queue]
        acknowledged = [command for command in each.sent if command not in unsent]
        token = each.http.headers["authorization"].removeprefix("Bearer ")
        missing = await each.return_to(client(api.base_url, shop.id, token))
        assert missing == acknowledged[BEFORE:], "reconcile names what was acknowledged and is not there"
        assert (each.epoch, each.checkpoint["epoch"], each.checkpoint["seq"] > old["seq"] + MILLION // 2) == (
            2,
            2,
            True,
        )
        row.counts["missing"] += len(missing)
        assert len(missing) == ahead
    for each in tills:
        await each.pull()
        everything = {command for other in tills for command in other.sent}
        assert everything <= each.documents.keys(), "a till read on from the fork"
        assert {each.documents[command]["status"] for command in everything} == {"applied"}


async def would_have_been(place: Place, tills: list[ReturningTill]) -> dict[str, Any]:
    """Let what was unsent, and what the counter sold, happen where nothing was ever restored; return how that shop stands."""
    for each in tills:
        queue = list(each.sent.values())[-UNSENT:]
        token = each.http.headers["authorization"]
        async with client(place.api.base_url, place.shop.id, token.removeprefix("Bearer ")) as http:
            answer = await http.post("sync/commands", json={"commands": queue}, headers=each.headers())
        assert [verdict["status"] for verdict in answer.json()["results"]] == ["applied"] * UNSENT
    await sell_at_the_counter(place.api.base_url, place)
    database = await place.open_database().open()
    try:
        return await state(TradingShop(database, place.shop.id))
    finally:
        await database.close()


async def sell_at_the_counter(base_url: str, place: Place) -> None:
    headers = {"authorization": f"Bearer {place.shop.api_key}", "idempotency-key": "counter"}
    async with httpx2.AsyncClient(base_url=base_url, headers=headers, trust_env=False, timeout=30) as http:
        answer = await http.post(place.shop.sales_url, json=place.shop.cart(quantity=3))
    assert answer.status_code == 201, answer.text


async def opened(dsn: str) -> Database:
    settings = Settings.from_values({**GENEROUS, "DATABASE_URL": dsn})
    return await Database(dsn, limits=PoolLimits(connections=2), wiring=wire(tools_of(settings))).open()


async def state(shop: TradingShop) -> dict[str, Any]:
    """Return what an owner would count: money, goods, tokens, receipts, and each command with what became of it."""
    goods = "select product_id, on_hand, value_cents from stock_levels where business_id = $1 order by product_id"
    sold = (
        "select receipt_number, total_cents, cost_cents from sales where business_id = $1"
        " and receipt_number like '%-%' order by receipt_number"
    )
    commands = "select id, device_sequence, status from sync_commands where business_id = $1 order by id"
    return {
        "balances": await shop.balances(), "wallet": await shop.wallet(), "goods": await shop.rows(goods),
        "sold": await shop.rows(sold), "commands": await shop.rows(commands),
        "sales": await shop.value("select count(*) from sales where business_id = $1"),
    }  # fmt: skip
