import pytest_asyncio

from tests.reconciled import Desk, open_desk
from tests.trade import TradingShop, database, other_shop, shop

__all__ = ["database", "desk", "other_shop", "shop"]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(shop: TradingShop) -> Desk:
    return await open_desk(shop)
