from tests.payment_room import clock, database, frozen, shop
from tests.payment_wall import till_wall, wall

__all__ = ["clock", "database", "frozen", "shop", "till_wall", "wall"]
