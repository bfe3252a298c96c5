"""The API is killed at each of its named points, again and again: a sale is there whole or not at all, and its key completes it."""

import asyncio
import time
from pathlib import Path

import pytest

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.runtime.database import Database, PoolLimits
from payme.runtime.fault_points import FaultPoint
from payme.runtime.settings import Settings
from tests.api_process import GENEROUS, ApiProcess
from tests.fault_rows import FaultRow
from tests.faults.selling import Clients, hold_against_the_books, make_full_shop
from tests.invariants import assert_invariants
from tests.stack import until

KILLS = FaultRow.size(1, 20)
SELLS_WITHIN_SECONDS = 20.0
pytestmark = [pytest.mark.faults, pytest.mark.timeout(60 + 20 * KILLS)]


@pytest.mark.fault_row(19)
@pytest.mark.parametrize("point", [FaultPoint.REPLY_BEFORE_COMMIT, FaultPoint.REPLY_AFTER_COMMIT])
async def test_a_key_completes_when_the_api_is_killed_at_a_point_of_its_sale(
    owner_dsn: str, open_folder: Path, row: FaultRow, point: FaultPoint
) -> None:
    settings = Settings.from_values({**GENEROUS, "DATABASE_URL": owner_dsn})
    database = await Database(owner_dsn, limits=PoolLimits(connections=2), wiring=wire(tools_of(settings))).open()
    shop = await make_full_shop(database)
    point_and_arrival = f"{point}:{row.rng.randint(5, 40)}"
    api = ApiProcess(owner_dsn, open_folder / "api.log", respawned=True, FAULT_POINT=point_and_arrival)
    await asyncio.to_thread(api.__enter__)
    try:
        async with Clients(api.base_url, shop, may_lose_connection=True) as clients:
            await until(lambda: asyncio.to_thread(lambda: api.kills_at(point) >= KILLS), seconds=20 + 5 * KILLS)
            await clients.sells_again(since=time.monotonic(), seconds=SELLS_WITHIN_SECONDS)
    finally:
        await asyncio.to_thread(api.stop)
    row.counts["kills"] += api.kills_at(point)
    row.counts["acknowledged"] += len(clients.sold.acknowledged)
    row.counts["replayed"] += clients.sold.statuses["replayed"]
    assert clients.sold.faults == []
    await hold_against_the_books(database, shop, clients.sold)
    await assert_invariants(database, shop.id)
    await database.close()
    if point is FaultPoint.REPLY_AFTER_COMMIT:
        assert row.counts["replayed"] >= KILLS
