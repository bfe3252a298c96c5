from tests.api.trade.conftest import app, cashier, counter_for, database, other_shop, owner, shop

__all__ = ["app", "cashier", "counter_for", "database", "other_shop", "owner", "shop"]
