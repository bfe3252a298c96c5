from tests.api.trade.conftest import app, counter_for, database, other_shop, owner, shop

__all__ = ["app", "counter_for", "database", "other_shop", "owner", "shop"]
