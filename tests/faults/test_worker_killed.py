"""The worker is killed in the middle of its jobs, at named points and at random: they run again, and have their effect once."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import asyncpg
import pytest
import pytest_asyncio

from payme.runtime.fault_points import FaultPoint
from tests.fault_rows import FaultRow
from tests.faults.prompting import Prompting, everything_settles, open_prompting_shop, seal_now
from tests.stack import Stack, open_stack, until

KILLS_AT_POINT = FaultRow.size(1, 20)
KILLS_AT_RANDOM = FaultRow.size(3, 50)
POINTS = (
    FaultPoint.PUSH_BEFORE_CALL,
    FaultPoint.PUSH_AFTER_CALL,
    FaultPoint.SEAL_BEFORE_COMMIT,
    FaultPoint.JOB_BEFORE_COMMIT,
    FaultPoint.JOB_BEFORE_END,
)
IMPATIENT = {"WORKER_HEARTBEAT_SECONDS": "1"}
SECONDS_PER_KILL = 15.0
pytestmark = [pytest.mark.faults, pytest.mark.timeout(240 + 15 * max(KILLS_AT_POINT, KILLS_AT_RANDOM))]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def killed_stack(base_dsn: str, worker_name: str) -> AsyncGenerator[Stack]:
    async with open_stack(base_dsn, f"extra_{worker_name}_killed", **IMPATIENT) as opened:
        await opened.end_worker()
        opened.start_worker(respawned=True)
        yield opened


@contextlib.asynccontextmanager
async def mortal_worker(stack: Stack, **settings: str) -> AsyncGenerator[None]:
    """Have workers with these settings, sealing often, and one without them afterwards."""
    stack.respawn_worker(**settings)
    sealing = asyncio.create_task(_seal_often(stack))
    try:
        yield
    finally:
        sealing.cancel()
        await asyncio.gather(sealing, return_exceptions=True)
        stack.respawn_worker()


async def _seal_often(stack: Stack) -> None:
    owner = await asyncpg.connect(stack.dsn)
    try:
        while True:
            await seal_now(owner)
            await asyncio.sleep(0.2)
    finally:
        await owner.close()


@pytest.mark.fault_row(19)
@pytest.mark.parametrize("point", POINTS)
async def test_no_half_effect_stays_when_the_worker_is_killed_at_a_point(
    killed_stack: Stack, row: FaultRow, point: FaultPoint
) -> None:
    shop = await open_prompting_shop(killed_stack)
    async with mortal_worker(killed_stack, FAULT_POINT=f"{point}:{row.rng.randint(2, 4)}"), Prompting(shop) as selling:

        async def is_struck() -> bool:
            return killed_stack.kills_at(point) >= KILLS_AT_POINT

        await until(is_struck, seconds=30 + SECONDS_PER_KILL * KILLS_AT_POINT)
    # Prompts that were all on their way when their worker died stay unknown, every one of them.
    await selling.sell_once()
    row.counts.update(kills=killed_stack.kills_at(point), sales=len(selling.sales))
    row.counts.update(await everything_settles(shop, selling))
    assert row.counts["succeeded"] > 0


@pytest.mark.fault_row(20)
async def test_jobs_run_again_and_have_their_effect_once_when_the_worker_is_killed(
    killed_stack: Stack, row: FaultRow
) -> None:
    shop, rng = await open_prompting_shop(killed_stack), row.rng
    async with mortal_worker(killed_stack), Prompting(shop) as selling:
        for _ in range(KILLS_AT_RANDOM):
            ended = await _ended_jobs(killed_stack)
            await until(lambda before=ended: _moves_on(killed_stack, before), seconds=30)
            await asyncio.sleep(rng.uniform(0, 0.2))
            await until(lambda: _is_at_work(killed_stack), seconds=30)
            killed_stack.kill_respawned()
            row.counts["kills"] += 1
    row.counts["sales"] = len(selling.sales)
    row.counts["runs again"] = await killed_stack.owner.fetchval(AGAIN)
    row.counts.update(await everything_settles(shop, selling))
    assert row.counts["succeeded"] > 0


AGAIN = (
    "select count(*) from (select job_id from pgqueuer_log where status = 'picked' group by 1 having count(*) > 1) a"
)


async def _ended_jobs(stack: Stack) -> int:
    return await stack.owner.fetchval("select count(*) from pgqueuer_log where status = 'successful'")


async def _moves_on(stack: Stack, before: int) -> bool:
    return await _ended_jobs(stack) > before


async def _is_at_work(stack: Stack) -> bool:
    return bool(await stack.owner.fetchval("select count(*) from pgqueuer where status = 'picked'"))
