"""A database that restarts, is full, holds a row, freezes, deadlocks: 503 with Retry-After in time, and sales again after it."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tests.fault_rows import FaultRow
from tests.faults.places import Place, open_place
from tests.faults.selling import Clients

ROUNDS = FaultRow.size(1, 10)
LOCK_SECONDS = FaultRow.size(5, 30)
LOCK_ROUNDS, HELD_SHOPS = FaultRow.size(1, 2), FaultRow.size(2, 5)
FROZEN_SECONDS = 4.5
SELLS_AGAIN_SECONDS = 10.0
TOO_MANY = asyncpg.TooManyConnectionsError
pytestmark = [pytest.mark.faults, pytest.mark.timeout(120 + 60 * ROUNDS)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place() -> AsyncGenerator[Place]:
    with module_folder() as folder:
        async with open_place(folder, durable=False, ANSWER_SECONDS="3") as opened:
            yield opened


@contextlib.contextmanager
def module_folder() -> Iterator[Path]:
    """Make a folder as `open_folder` does, for as long as a module runs."""
    folder = Path(tempfile.mkdtemp(prefix="payme-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


async def selling_through(place: Place, row: FaultRow, trouble: Callable[[Clients], Awaitable[None]]) -> Clients:
    """Sell while the trouble comes again and again; each time the shop must sell again soon after."""
    async with Clients(place.api.base_url, await place.new_shop()) as clients:
        for _ in range(ROUNDS):
            await clients.sells_again(since=time.monotonic(), seconds=SELLS_AGAIN_SECONDS)
            await asyncio.sleep(row.rng.uniform(0.05, 0.3))
            await trouble(clients)
            row.counts["rounds"] += 1
            await clients.sells_again(since=time.monotonic(), seconds=SELLS_AGAIN_SECONDS)
        assert place.api.is_alive
    row.counts["acknowledged"] += len(clients.sold.acknowledged)
    row.counts["refused"] += clients.sold.statuses["503"]
    row.counts["slowest ms"] = int(clients.sold.slowest_seconds * 1000)
    await place.check(clients)
    return clients


@pytest.mark.fault_row(22)
async def test_a_restart_is_a_pause(place: Place, row: FaultRow) -> None:
    async def restart(_: Clients) -> None:
        await asyncio.to_thread(place.server.stop)
        await asyncio.to_thread(place.server.start)

    clients = await selling_through(place, row, restart)
    assert clients.sold.statuses["503"] > 0


@pytest.mark.fault_row(22)
async def test_a_server_without_a_connection_left_is_told_as_such(place: Place, row: FaultRow) -> None:
    async def exhaust(clients: Clients) -> None:
        owner = await asyncpg.connect(place.dsn)
        # The same refusal as the server's own limit gives, which takes a restart to lower and minutes to reach.
        await owner.execute("alter database payme connection limit 24")
        others = await _take_all(place)
        refused = clients.sold.statuses["503"]
        try:
            async with asyncio.timeout(30):
                while await owner.fetch(END_OTHERS, [each.get_server_pid() for each in (owner, *others)]):
                    others += await _take_all(place)
                while clients.sold.statuses["503"] < refused + clients.count:
                    await asyncio.sleep(0.05)
        finally:
            for each in others:
                each.terminate()
            await owner.execute("alter database payme connection limit -1")
            await owner.close()

    await selling_through(place, row, exhaust)


END_OTHERS = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> all($1::int[]) and backend_type = 'client backend'"


async def _take_all(place: Place) -> list[asyncpg.Connection]:
    """Take every connection that the server has left."""
    taken: list[asyncpg.Connection] = []
    with contextlib.suppress(TOO_MANY):
        while True:
            taken.append(await asyncpg.connect(place.dsn))
    return taken


@pytest.mark.fault_row(22)
async def test_a_row_that_a_stranger_holds_stops_nobody_for_long(place: Place, row: FaultRow) -> None:
    for _ in range(LOCK_ROUNDS):
        neighbour, *held = [await place.new_shop() for _ in range(HELD_SHOPS + 1)]
        async with contextlib.AsyncExitStack() as stack:
            stuck = [await stack.enter_async_context(Clients(place.api.base_url, shop, count=1)) for shop in held]
            strangers = await asyncio.gather(*(_hold(place, clients) for clients in stuck))
            async with Clients(place.api.base_url, neighbour, count=2) as others:
                await asyncio.sleep(LOCK_SECONDS)
                await others.sells_again(since=time.monotonic(), seconds=SELLS_AGAIN_SECONDS)
            for each in strangers:
                await each.close()
            freed_at = time.monotonic()
            for clients in stuck:
                await clients.sells_again(since=freed_at, seconds=SELLS_AGAIN_SECONDS)
        row.counts["locks"] += len(stuck)
        for clients in (*stuck, others):
            row.counts["acknowledged"] += len(clients.sold.acknowledged)
            row.counts["refused"] += clients.sold.statuses["503"]
            assert clients.sold.statuses["409"] == 0, "nobody else had used the key"
            await place.check(clients)
        assert all(clients.sold.statuses["503"] > 0 for clients in stuck)
        assert others.sold.statuses["503"] == 0


async def _hold(place: Place, clients: Clients) -> asyncpg.Connection:
    """Return a stranger's connection that holds the stock of a shop which sells at this moment."""
    await clients.sells_again(since=time.monotonic(), seconds=SELLS_AGAIN_SECONDS)
    owner = await asyncpg.connect(place.dsn)
    await owner.execute("begin")
    await _lock(owner, clients.shop.id, "stock_levels")
    return owner


@pytest.mark.fault_row(22)
async def test_a_frozen_server_is_not_waited_for(place: Place, row: FaultRow) -> None:
    async def freeze(clients: Clients) -> None:
        refused = clients.sold.statuses["503"]
        place.signal_server(signal.SIGSTOP)
        try:
            await asyncio.sleep(FROZEN_SECONDS)
        finally:
            place.signal_server(signal.SIGCONT)
        async with asyncio.timeout(5):
            while clients.sold.statuses["503"] == refused:
                await asyncio.sleep(0.05)

    await selling_through(place, row, freeze)


@pytest.mark.fault_row(22)
async def test_a_deadlock_with_a_stranger_is_a_retry(place: Place, row: FaultRow) -> None:
    """The stranger takes the wallet, which a sale locks last, and then the stock, which it locks first."""

    async def tangle(clients: Clients) -> None:
        owner = await asyncpg.connect(place.dsn)
        try:
            for _ in range(5):
                with contextlib.suppress(asyncpg.DeadlockDetectedError):
                    async with owner.transaction():
                        await _lock(owner, clients.shop.id, "token_wallets")
                        await asyncio.sleep(0.05)
                        await _lock(owner, clients.shop.id, "stock_levels")
        finally:
            await owner.close()

    before = await _deadlocks(place)
    await selling_through(place, row, tangle)
    row.counts["deadlocks"] = await _deadlocks(place) - before
    assert row.counts["deadlocks"] > 0


async def _lock(owner: asyncpg.Connection, business_id: UUID, table: str) -> None:
    await owner.execute(f"set local payme.business_id = '{business_id}'")
    assert await owner.fetch(f"select 1 from {table} where business_id = $1 for update", business_id)


async def _deadlocks(place: Place) -> int:
    owner = await asyncpg.connect(place.dsn)
    try:
        return await owner.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
    finally:
        await owner.close()
