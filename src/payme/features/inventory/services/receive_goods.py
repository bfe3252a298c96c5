"""Goods come in: the oldest owed quantities are settled at what they really cost, the rest becomes a batch."""

from datetime import timedelta
from typing import Final

from payme.features import audit
from payme.features.inventory.enums import MovementKind
from payme.features.inventory.errors import ReceivedInFuture
from payme.features.inventory.rules import Occasion
from payme.features.inventory.schemas import ReceiveGoods, StockChangeView
from payme.features.inventory.services.changes import bring_in, lock_product_stock
from payme.features.ledger import AccountCode
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork

CLOCK_TOLERANCE: Final = timedelta(minutes=5)


async def receive_goods(uow: UnitOfWork, command: ReceiveGoods) -> StockChangeView:
    """Record goods received.

    Raises: catalog.ProductNotFound, NotTracked, ReceivedInFuture, TooMuch; at the flush AlreadyRecorded for an id that is known.
    """
    received_at = command.received_at or uow.now
    if received_at > uow.now + CLOCK_TOLERANCE:
        raise ReceivedInFuture(received_at=received_at)
    locked = await lock_product_stock(uow, command.product_id)
    occasion = Occasion(command.id or new_id(), MovementKind.PURCHASE, received_at, expires_on=command.expires_on)
    audit.record(
        uow,
        "stock.received",
        occasion.cause,
        product_id=command.product_id,
        quantity=command.quantity,
        total_cost_cents=command.total_cost_cents,
    )
    return await bring_in(
        uow,
        locked.level,
        quantity=command.quantity,
        cost_cents=command.total_cost_cents,
        occasion=occasion,
        source=AccountCode.GOODS_RECEIVED,
    )
