"""The twenty notices of a prompt or an order all at once, on as many connections: money comes once, and leaves once.

Two prompts collide at a time, so that those which are told one receipt also race for it.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.fault_rows import FULL, SEEDS, FaultRow
from tests.faults import payouts
from tests.faults.notices import NOTICES, make_told, notices_of, tally, time_passes, wrongs
from tests.faults.prompts import open_prompt_shop

CONNECTIONS = NOTICES
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 120)]


@pytest.mark.fault_row(2)
@pytest.mark.parametrize("seed", SEEDS)
async def test_every_prompt_takes_its_money_once(
    row: FaultRow, make_database: Callable[..., Awaitable[str]], seed: int
) -> None:
    rng = row.rng
    async with open_prompt_shop(await make_database(), connections=CONNECTIONS) as shop:
        await shop.be_told(pulled=True)
        told = await make_told(shop, row.size(50, 500))
        for place in range(0, len(told), 2):
            work = [notice for each in told[place : place + 2] for notice in await notices_of(shop, each, rng)]
            assert len(work) == 2 * NOTICES
            rng.shuffle(work)
            await asyncio.gather(*map(shop.trade.run, work))
        await time_passes(shop)
        row.counts.update(sent=len(told) * NOTICES, **await tally(shop))
        assert await wrongs(shop, told) == []


@pytest.mark.fault_row(2)
@pytest.mark.parametrize("seed", SEEDS)
async def test_every_order_lets_its_money_leave_once(
    row: FaultRow, make_database: Callable[..., Awaitable[str]], seed: int
) -> None:
    rng = row.rng
    async with open_prompt_shop(await make_database(), connections=CONNECTIONS) as shop:
        await shop.be_told()
        ordered = await payouts.make_ordered(shop, row.size(20, 100))
        for each in ordered:
            work = await payouts.notices_of(shop, each, rng)
            assert len(work) == payouts.NOTICES
            rng.shuffle(work)
            await asyncio.gather(*map(shop.trade.run, work))
        await payouts.time_passes(shop)
        assert shop.script.orders == [], "nothing is ordered again"
        row.counts.update(sent=len(ordered) * payouts.NOTICES, applied=sum(each.has_left for each in ordered))
        assert await payouts.wrongs(shop, ordered) == []
