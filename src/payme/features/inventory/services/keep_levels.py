"""A product whose stock is counted has a level from the transaction that makes it, because its level is its lock."""

from payme.features.catalog import ProductChanged, ProductCreated, ProductsImported
from payme.features.inventory import repository
from payme.features.inventory.errors import StockOnHand
from payme.runtime.database import UnitOfWork


async def open_level(uow: UnitOfWork, event: ProductCreated) -> None:
    """Give a new product its level; its first provisional cost is the buying price."""
    if event.track_stock:
        await _ensure(uow, event)


async def open_levels(uow: UnitOfWork, event: ProductsImported) -> None:
    """Give imported products their levels."""
    await repository.ensure_levels(uow, event.tracked)
    for product_id in event.tracked:
        uow.touch("stock", product_id)


async def follow_product(uow: UnitOfWork, event: ProductChanged) -> None:
    """Open a level when counting begins; refuse to end counting while anything is there. Raises: StockOnHand."""
    if event.track_stock:
        await _ensure(uow, event)
        return
    facts = await repository.lock_stock(uow, [event.subject_id])
    level = facts.levels.get(event.subject_id)
    if level and (level.on_hand or level.reserved):
        raise StockOnHand(product_id=event.subject_id)


async def _ensure(uow: UnitOfWork, event: ProductCreated | ProductChanged) -> None:
    if await repository.ensure_levels(uow, {event.subject_id: event.buying_price_cents or 0}):
        uow.touch("stock", event.subject_id)
