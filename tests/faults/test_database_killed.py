"""The database server and the API are killed in the middle of sales, again and again: nothing acknowledged is lost or doubled.

The server is durable and of its own.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fault_rows import FaultRow
from tests.faults.places import Place, open_place
from tests.faults.selling import Clients

SERVES_AGAIN_SECONDS = 10.0
KILLS = FaultRow.size(2, 10)
pytestmark = [pytest.mark.faults, pytest.mark.timeout(60 + 20 * KILLS)]


@pytest_asyncio.fixture
async def place(open_folder: Path) -> AsyncIterator[Place]:
    async with open_place(open_folder, durable=True) as opened:
        yield opened


@pytest.mark.fault_row(21)
async def test_nothing_acknowledged_is_lost_when_the_database_is_killed(place: Place, row: FaultRow) -> None:
    rng = row.rng
    async with Clients(place.api.base_url, place.shop) as clients:
        for _ in range(KILLS):
            await clients.sells_again(since=time.monotonic(), seconds=SERVES_AGAIN_SECONDS)
            await asyncio.sleep(rng.uniform(0.1, 0.6))
            pid = place.server.status().pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            killed_at = time.monotonic()
            await asyncio.to_thread(place.server.start)
            await clients.sells_again(since=killed_at, seconds=SERVES_AGAIN_SECONDS)
            row.counts["kills"] += 1
        assert place.api.is_alive
    row.counts["acknowledged"] += len(clients.sold.acknowledged)
    row.counts["answered 503"] += clients.sold.statuses["503"]
    await place.check(clients)
    assert clients.sold.statuses["503"] > 0


@pytest.mark.fault_row(19)
async def test_a_retried_key_has_one_effect_when_the_api_is_killed(place: Place, row: FaultRow) -> None:
    rng = row.rng
    async with Clients(place.api.base_url, place.shop, may_lose_connection=True) as clients:
        for _ in range(KILLS):
            await clients.sells_again(since=time.monotonic(), seconds=SERVES_AGAIN_SECONDS)
            await asyncio.sleep(rng.uniform(0.1, 0.6))
            place.api.kill()
            killed_at = time.monotonic()
            place.api.start()
            await clients.sells_again(since=killed_at, seconds=SERVES_AGAIN_SECONDS)
            row.counts["kills"] += 1
    row.counts["acknowledged"] += len(clients.sold.acknowledged)
    await place.check(clients)
