import pytest_asyncio

from tests.api.trade.conftest import app, counter_for, database, other_shop, owner, shop
from tests.reconciled import Desk, open_desk
from tests.trade import TradingShop

__all__ = ["app", "counter_for", "database", "other_shop", "owner", "shop"]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(shop: TradingShop) -> Desk:
    return await open_desk(shop)
