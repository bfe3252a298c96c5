"""Thousands of notices of hundreds of prompts and orders, doubled, shuffled, and one in ten crashed before its commit."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from payme.runtime.database import UnitOfWork
from tests.fault_rows import FULL, SEEDS, FaultRow
from tests.faults import payouts
from tests.faults.notices import NOTICES, Notice, make_told, notices_of, tally, time_passes, wrongs
from tests.faults.prompts import PromptShop, at_most, open_prompt_shop

WORKERS = 6
CRASHES = 0.1
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 120)]


class Crash(Exception):
    """The process ends before its transaction does."""


def crashing(notice: Notice, *, cancelled: bool) -> Notice:
    """Return the notice understood to the last statement and then lost, by an error or by the end of its task."""

    async def work(uow: UnitOfWork) -> None:
        await notice(uow)
        await uow.flush()
        if cancelled:
            task = asyncio.current_task()
            assert task is not None, "work runs in a task"
            task.cancel()
            await asyncio.sleep(0)
        raise Crash

    return work


@pytest.mark.fault_row(1)
@pytest.mark.parametrize("seed", SEEDS)
async def test_doubled_shuffled_and_crashed_notices_apply_once(
    row: FaultRow, make_database: Callable[..., Awaitable[str]], seed: int
) -> None:
    rng = row.rng
    async with open_prompt_shop(await make_database(), connections=WORKERS + 2) as shop:
        await shop.be_told(pulled=True)
        told = await make_told(shop, row.size(50, 500))
        stored = await at_most(4, [lambda each=each: notices_of(shop, each, rng) for each in told])
        work = [notice for each in stored for notice in each]
        assert len(work) == len(told) * NOTICES
        rng.shuffle(work)
        row.counts["crashed"] = await _deliver(shop, work, rng)
        assert row.counts["crashed"] >= len(told), "one in ten of twenty crashes"
        await time_passes(shop)
        row.counts.update(sent=len(told) * NOTICES, **await tally(shop))
        assert await wrongs(shop, told) == []


@pytest.mark.fault_row(1)
@pytest.mark.parametrize("seed", SEEDS)
async def test_doubled_shuffled_and_crashed_results_let_money_leave_once(
    row: FaultRow, make_database: Callable[..., Awaitable[str]], seed: int
) -> None:
    rng = row.rng
    async with open_prompt_shop(await make_database(), connections=WORKERS + 2) as shop:
        await shop.be_told()
        ordered = await payouts.make_ordered(shop, row.size(20, 100))
        work = [notice for each in ordered for notice in await payouts.notices_of(shop, each, rng)]
        assert len(work) == len(ordered) * payouts.NOTICES
        rng.shuffle(work)
        row.counts["crashed"] = await _deliver(shop, work, rng)
        assert row.counts["crashed"] >= len(ordered), "one in ten of twenty crashes"
        await payouts.time_passes(shop)
        assert shop.script.orders == [], "nothing is ordered again"
        row.counts.update(sent=len(ordered) * payouts.NOTICES, applied=sum(each.has_left for each in ordered))
        assert await payouts.wrongs(shop, ordered) == []


async def _deliver(shop: PromptShop, work: list[Notice], rng: random.Random) -> int:
    """Deliver everything, one in ten first crashing and coming again later; return how many crashed."""
    crashed = 0

    async def deliver() -> None:
        nonlocal crashed
        while work:
            notice = work.pop()
            if rng.random() >= CRASHES:
                await shop.trade.run(notice)
                continue
            crashed += 1
            lost = asyncio.create_task(shop.trade.run(crashing(notice, cancelled=rng.random() < 0.5)))
            (end,) = await asyncio.gather(lost, return_exceptions=True)
            assert isinstance(end, Crash | asyncio.CancelledError), end
            work.insert(rng.randrange(len(work) + 1), notice)

    await asyncio.gather(*(deliver() for _ in range(WORKERS)))
    return crashed
