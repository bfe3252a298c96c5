"""Stock and purchasing: batches, FIFO cost, reservations, movements, alerts.

Movements are append-only, and for each product the sum of its movements is what is on hand. Prices belong to
the catalog. A feature above locks the stock, plans with the rules what to take, and defers the take:

    facts = await lock_stock(uow, product_ids)
    plan = plan_take(wanted, facts)
    take(uow, cause, takes=plan.takes)
"""

from payme.features.inventory.enums import MovementKind, SpoilageType
from payme.features.inventory.rules import (
    Level,
    Plan,
    Returned,
    Shortage,
    StockFacts,
    Take,
    Wanted,
    find_shortages,
    parse_stock,
    plan_take,
)
from payme.features.inventory.schemas import AdjustStock, ReceiveGoods, SpoilStock, StockChangeView
from payme.features.inventory.services.correct_stock import adjust_stock, spoil_stock
from payme.features.inventory.services.read_stock import page_levels
from payme.features.inventory.services.receive_goods import receive_goods
from payme.features.inventory.services.return_stock import bring_back
from payme.features.inventory.services.take_stock import lock_stock, release, reserve, take

__all__ = [
    "AdjustStock",
    "Level",
    "MovementKind",
    "Plan",
    "ReceiveGoods",
    "Returned",
    "Shortage",
    "SpoilStock",
    "SpoilageType",
    "StockChangeView",
    "StockFacts",
    "Take",
    "Wanted",
    "adjust_stock",
    "bring_back",
    "find_shortages",
    "lock_stock",
    "page_levels",
    "parse_stock",
    "plan_take",
    "receive_goods",
    "release",
    "reserve",
    "spoil_stock",
    "take",
]
