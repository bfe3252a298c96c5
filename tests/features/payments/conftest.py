from tests.payment_room import clock, database, frozen, shop

__all__ = ["clock", "database", "frozen", "shop"]
