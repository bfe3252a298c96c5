from tests.trade import database, shop

__all__ = ["database", "shop"]
