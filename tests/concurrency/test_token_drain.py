"""Tokens wanted by many at once on fifty connections: as many succeed as there are tokens, and what expires comes back."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from payme.features import tokens
from payme.features.tokens import TokensExhausted
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.fault_rows import FULL, FaultRow
from tests.faults.prompts import PRICE, PromptShop, open_prompt_shop
from tests.trade import stk

CLIENTS = 50
UNANSWERED = "1037"
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 120)]


async def drain(shop: PromptShop, count: int, want: Callable[[], Awaitable[object]]) -> Counter[str]:
    """Want a token so often at once, and count who got one and who was refused."""

    async def outcome() -> str:
        try:
            await want()
        except TokensExhausted:
            return "refused"
        return "applied"

    found = Counter(await asyncio.gather(*(outcome() for _ in range(count))))
    balance, reserved = await shop.trade.wallet()
    assert balance >= reserved, "a request never goes below nothing"
    return found


@pytest.mark.fault_row(9)
async def test_no_more_reserves_than_tokens(row: FaultRow, make_database: Callable[..., Awaitable[str]]) -> None:
    async with open_prompt_shop(await make_database(), connections=CLIENTS, tokens=120) as shop:

        async def reserve(uow: UnitOfWork) -> None:
            tokens.reserve(uow, new_id(), "test")

        found = await drain(shop, 500, lambda: shop.trade.run(reserve))
        assert found == {"applied": 120, "refused": 380}
        assert await shop.trade.wallet() == (120, 120)
        row.counts.update(found, sent=500)
        await shop.sound()


@pytest.mark.fault_row(9)
async def test_what_expires_gives_its_token_back(row: FaultRow, make_database: Callable[..., Awaitable[str]]) -> None:
    wanted, there = row.size(50, 500), row.size(12, 120)
    async with open_prompt_shop(await make_database(), connections=CLIENTS, tokens=there) as shop:

        async def sell() -> None:
            await shop.trade.sell(shop.product, tenders=[stk(PRICE)])

        for left, answer in ((there, UNANSWERED), (there, "0"), (0, "0")):
            shop.script.otherwise = answer
            found = await drain(shop, wanted, sell)
            assert found == Counter(applied=left, refused=wanted - left)
            row.counts.update(found, sent=wanted)
            assert (await shop.trade.wallet())[1] == left
            await shop.worker.run_for(timedelta(hours=1))
            await shop.sound()
            assert await shop.trade.wallet() == (there if answer == UNANSWERED else 0, 0)
