from tests.trade import database, other_shop, shop

__all__ = ["database", "other_shop", "shop"]
