"""Bad lines between API and worker and their database, and between worker and M-Pesa: every wait ends, and nothing happens twice.

Each fault strikes the line to the database first and then the one to M-Pesa, while customers pay in cash and by prompt. Then the
line heals; the shop must sell again, and in the end everything must be settled.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.fault_rows import FULL, FaultRow
from tests.faults.bad_line import BadLine, bad_line, why_not
from tests.faults.prompting import Prompting, everything_settles, open_prompting_shop
from tests.faults.proxy import Mode, Proxy
from tests.faults.selling import Clients, hold_against_the_books, make_full_shop
from tests.invariants import assert_invariants
from tests.postgres import with_database
from tests.stack import Stack, open_stack

SECONDS_PER_LINE = FaultRow.size(1, 30)
SELLS_AGAIN_SECONDS = 15.0
MOST_CALLS_PER_PAYMENT = 3
LONGEST_ATTEMPT_SECONDS = 40
MET_WITHIN_SECONDS = 60
SCALED = {
    "ANSWER_SECONDS": "2",
    "DATABASE_STATEMENT_SECONDS": "3",
    "DATABASE_ACQUIRE_SECONDS": "2",
    "WORKER_HEARTBEAT_SECONDS": "2",
    "MPESA_OAUTH_SECONDS": "1",
    "MPESA_QUERY_SCHEDULE_SECONDS": "1.1,2.6,3.5,5,7,10,15,20,30,40,50,60,75,90,105,120,150",  # longer than any fault here
}
pytestmark = [pytest.mark.faults, pytest.mark.timeout(240 + 12 * 2 * SECONDS_PER_LINE)]

LONGEST_ATTEMPT = """select extract(epoch from max(ended - begun))::float8 from (
    select status, created as begun, lead(created) over (partition by job_id order by id) as ended from pgqueuer_log) entry
    where status = 'picked'"""
Fault = Callable[[Proxy], Awaitable[None]]


@dataclass
class Lines:
    """A stack whose lines to its database and to M-Pesa pass through our hands."""

    stack: Stack
    database: Proxy
    mpesa: Proxy

    @property
    def both(self) -> tuple[Proxy, Proxy]:
        """The two lines."""
        return self.database, self.mpesa


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lines(base_dsn: str, worker_name: str) -> AsyncGenerator[Lines]:
    name = f"extra_{worker_name}_lines"
    direct = urlsplit(base_dsn)
    async with Proxy(f"{direct.hostname}:{direct.port}").opened() as database, Proxy().opened() as mpesa:
        through = with_database(base_dsn, name).replace(f"@{direct.hostname}:{direct.port}", f"@{database.address}")
        settings = {**SCALED, "DATABASE_URL": through, "MPESA_BASE_URL": f"http://{mpesa.address}"}
        async with open_stack(base_dsn, name, **settings) as stack:
            mpesa.target = urlsplit(stack.simulator.base_url).netloc
            yield Lines(stack, database, mpesa)


async def endure(lines: Lines, row: FaultRow, faults: dict[str, Fault]) -> None:
    """Let every fault strike both lines in turn, and hold what the customers saw against all books."""
    shop = await open_prompting_shop(lines.stack)
    cash = Clients(lines.stack.base_url, await make_full_shop(lines.stack.database), count=3)
    prompts = Prompting(shop, count=2)
    before = await _calls(lines)
    async with cash, prompts:
        for name, fault in faults.items():
            for line in lines.both:
                await fault(line)
                line.mode = Mode.PASS
                healed_at = time.monotonic()
                await cash.sells_again(since=healed_at, seconds=SELLS_AGAIN_SECONDS)
            row.counts[name] += 1
            lines.stack.require_alive()
    row.counts.update({"acknowledged": len(cash.sold.acknowledged), "refused": cash.sold.statuses["503"]})
    row.counts["slowest ms"] = int(cash.sold.slowest_seconds * 1000)
    row.counts["prompts"] = len(prompts.sales)
    assert cash.sold.faults == []
    await hold_against_the_books(lines.stack.database, cash.shop, cash.sold)
    await assert_invariants(lines.stack.database, cash.shop.id)
    row.counts.update(await everything_settles(shop, prompts))
    longest = await lines.stack.owner.fetchval(LONGEST_ATTEMPT)
    assert longest < LONGEST_ATTEMPT_SECONDS, f"an attempt at a job took {longest} s"
    calls = await _calls(lines) - before
    row.counts["calls to M-Pesa"] = calls.total()
    assert calls.total() <= MOST_CALLS_PER_PAYMENT * len(prompts.sales) + 3, calls


async def _calls(lines: Lines) -> Counter[str]:
    """Count the requests that reached M-Pesa, by product."""
    entries = await lines.stack.simulator.control.transcript(event="request", limit="20000")
    return Counter(each["product"] for each in entries)


def lasting(mode: Mode) -> Fault:
    """Return a fault that lasts."""

    async def fault(line: Proxy) -> None:
        line.mode = mode
        await met(line)

    return fault


def again_and_again(strike: Callable[[Proxy], None], *, pause: float) -> Fault:
    """Return a fault that strikes every connection, and again after a pause."""

    async def fault(line: Proxy) -> None:
        striking = asyncio.create_task(_strike_on(line))
        try:
            await met(line)
        finally:
            striking.cancel()
            await asyncio.gather(striking, return_exceptions=True)

    async def _strike_on(line: Proxy) -> None:
        while True:
            strike(line)
            await asyncio.sleep(pause)

    return fault


async def met(line: Proxy) -> None:
    """Let a fault last its time, and on until somebody has sent something over the line."""
    pieces = line.pieces
    await asyncio.sleep(SECONDS_PER_LINE)
    end = time.monotonic() + MET_WITHIN_SECONDS
    while line.pieces == pieces:
        assert time.monotonic() < end, f"nobody sends anything to {line.target} any more ({line.mode})"
        await asyncio.sleep(0.05)


@pytest.mark.fault_row(24)
async def test_every_wait_ends_on_lines_that_are_late_slow_silent_or_broken(lines: Lines, row: FaultRow) -> None:
    faults = {
        "late": lasting(Mode.LATE),
        "reset": again_and_again(Proxy.reset_all, pause=0.2),
        "half open": again_and_again(Proxy.lose_far_ends, pause=3),
        "silent": again_and_again(Proxy.fall_silent, pause=SECONDS_PER_LINE),
    }
    if FULL:
        faults |= {"drip": lasting(Mode.DRIP), "cut": lasting(Mode.CUT)}
    await endure(lines, row, faults)


@pytest.mark.fault_row(24)
async def test_every_wait_ends_on_lines_that_lose_double_or_throttle_packets(
    lines: Lines, row: FaultRow, open_folder: Path
) -> None:
    if reason := await asyncio.to_thread(why_not):
        pytest.skip(reason)
    async with contextlib.AsyncExitStack() as stack:
        line = await stack.enter_async_context(bad_line(open_folder, lines=2))
        for number, proxy in enumerate(lines.both):
            await stack.enter_async_context(Proxy(proxy.target).opened(line.exit(number)))

        def over(worsen: Callable[[BadLine], None]) -> Fault:
            async def fault(proxy: Proxy) -> None:
                good, proxy.target = proxy.target, line.entry(lines.both.index(proxy))
                worsen(line)
                proxy.reset_all()
                await met(proxy)
                row.counts["packets hit"] += line.packets()
                line.heal()
                proxy.target = good
                proxy.reset_all()

            return fault

        faults = {"lost": over(BadLine.lose), "doubled": over(BadLine.double), "narrow": over(BadLine.narrow)}
        await endure(lines, row, faults)
    assert row.counts["packets hit"] > 0
