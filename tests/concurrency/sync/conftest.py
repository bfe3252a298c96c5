from tests.shop import database, shop

__all__ = ["database", "shop"]
