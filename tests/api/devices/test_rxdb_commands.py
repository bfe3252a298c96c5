"""An unmodified RxDB as a till: its commands over a line that refuses and loses replies, each executed once, with a verdict."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests import rxdb
from tests.api.devices.conftest import Join
from tests.api_process import ApiProcess
from tests.fault_rows import FaultRow
from tests.faults.http_faults import HttpFaults
from tests.invariants import assert_invariants
from tests.stock_room import make_product, receive
from tests.trade import TradingShop

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]
PRICE = 10_000


@pytest_asyncio.fixture(loop_scope="session")
async def api(owner_dsn: str, tmp_path: Path) -> AsyncIterator[ApiProcess]:
    started = ApiProcess(owner_dsn, tmp_path / "api.log")
    await asyncio.to_thread(started.__enter__)
    yield started
    await asyncio.to_thread(started.stop)


@pytest.mark.fault_row(12)
async def test_every_command_is_executed_once_in_a_storm(
    row: FaultRow, api: ApiProcess, join: Join, shop: TradingShop
) -> None:
    operations = row.size(20, 200)
    await shop.set_tokens(3 * operations)
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "1000", 6_000_000)
    tills = [await join() for _ in range(3)]
    queues = [[till.sale((product, 1), total_cents=PRICE) for _ in range(operations)] for till in tills]
    async with HttpFaults(api.base_url, row.rng).opened() as line:
        told = await rxdb.run(
            "queue.mjs",
            url=f"{line.base_url}/v1/businesses/{shop.business_id}/sync/commands",
            tokens=[till.http.headers["authorization"].removeprefix("Bearer ") for till in tills],
            queues=queues,
        )
    first = told["documents"][0]
    assert told["documents"] == [first] * 3, "the devices differ"
    assert told["still"] == told["met"], "three more rounds moved something"
    assert [each["id"] for each in first] == sorted(each["id"] for queue in queues for each in queue)
    assert {each["status"] for each in first} == {"applied"}
    stored = await shop.rows(
        "select id::text, device_sequence, status from sync_commands where business_id = $1 order by id"
    )
    assert stored == [(each["id"], each["device_sequence"], each["status"]) for each in first]
    sales = await shop.rows("select id::text from sales where business_id = $1 order by id")
    assert [each[0] for each in sales] == [
        each["result"]["id"] for each in sorted(first, key=lambda d: d["result"]["id"])
    ]
    assert await shop.rows("select on_hand from stock_levels where business_id = $1") == [(1_000 - 3 * operations,)]
    await assert_invariants(shop.database, shop.business_id)
    repeated = await shop.value("select sum(duplicates)::int from sync_audit where business_id = $1")
    assert min(line.counts["refused"], line.counts["lost"], repeated, sum(told["errors"])) > 0, "nothing was amiss"
    row.counts.update(sent=3 * operations, applied=len(sales), duplicates=repeated, **line.counts)
