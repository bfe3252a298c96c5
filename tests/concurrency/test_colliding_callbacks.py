"""The twenty notices of a prompt all at once, on as many connections: every prompt takes its money once.

Two prompts collide at a time, so that those which are told one receipt also race for it.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.fault_rows import FULL, SEEDS, FaultRow
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
        told = await make_told(shop, row.size(50, 500))
        for place in range(0, len(told), 2):
            work = [notice for each in told[place : place + 2] for notice in await notices_of(shop, each, rng)]
            assert len(work) == 2 * NOTICES
            rng.shuffle(work)
            await asyncio.gather(*map(shop.trade.run, work))
        await time_passes(shop)
        row.counts.update(sent=len(told) * NOTICES, **await tally(shop))
        assert await wrongs(shop, told) == []
