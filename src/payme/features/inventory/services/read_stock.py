"""What people look at: levels, movements, alerts, and what the stock is worth."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from payme.features.inventory import repository
from payme.features.inventory.enums import AlertKind
from payme.features.inventory.rules import Expiring, ToReorder, suggested_order
from payme.features.inventory.schemas import MovementFilter, MovementRow, StockAlert, StockRow, Valuation
from payme.features.inventory.services.changes import SEES_COST
from payme.kit.synced import ChangedRow, Place
from payme.kit.time import business_day
from payme.runtime.database import UnitOfWork

SALES_PERIOD: Final = timedelta(days=30)
EXPIRY_WARNING: Final = timedelta(days=14)
MOST_ALERTS: Final = 200


async def list_stock(
    uow: UnitOfWork, *, product_id: UUID | None, below_reorder: bool, after: UUID | None, limit: int
) -> list[StockRow]:
    """Return levels by product id; `below_reorder` keeps products at or below their reorder point."""
    rows = await repository.list_levels(
        uow, product_id=product_id, below_reorder=below_reorder, after=after, limit=limit
    )
    if uow.actor.may(SEES_COST):
        return rows
    return [row.model_copy(update={"value_cents": None}) for row in rows]


async def list_movements(
    uow: UnitOfWork, wanted: MovementFilter, *, before: UUID | None, limit: int
) -> list[MovementRow]:
    """Return movements, the newest first, older than the id `before`."""
    rows = await repository.list_movements(uow, wanted, before=before, limit=limit)
    if uow.actor.may(SEES_COST):
        return rows
    return [row.model_copy(update={"cost_cents": None}) for row in rows]


async def list_alerts(uow: UnitOfWork) -> list[StockAlert]:
    """Return what to order, by name, then what expires within two weeks or has expired, the first first."""
    to_reorder = await repository.list_to_reorder(uow, since=uow.now - SALES_PERIOD, limit=MOST_ALERTS)
    until = business_day(uow.now) + EXPIRY_WARNING
    expiring = await repository.list_expiring(uow, until=until, limit=MOST_ALERTS)
    return [*map(_reorder_alert, to_reorder), *map(_expiry_alert, expiring)]


async def value_stock(uow: UnitOfWork, *, at: datetime | None) -> Valuation:
    """Return what the stock was worth at an instant, at cost, from what had happened up to it; now without one."""
    instant = at or uow.now
    rows = await repository.list_values(uow, at=instant)
    return Valuation(at=instant, value_cents=sum(row.value_cents for row in rows), products=rows)


async def page_levels(uow: UnitOfWork, place: Place) -> list[ChangedRow]:
    """Return levels as tills know them, without their value, in the order of their changes after a place."""
    return await repository.page_levels(uow, place)


async def stock_version(uow: UnitOfWork) -> int:
    """Return a number that rises with every change of what `list_stock` may show."""
    return await repository.stock_version(uow)


def _reorder_alert(row: ToReorder) -> StockAlert:
    return StockAlert(
        kind=AlertKind.REORDER,
        product_id=row.product_id,
        name=row.name,
        available=row.available,
        reorder_point=row.reorder_point,
        sold_in_30_days=row.sold,
        suggested_quantity=suggested_order(row.available, reorder_point=row.reorder_point, sold_recently=row.sold),
    )


def _expiry_alert(row: Expiring) -> StockAlert:
    return StockAlert(
        kind=AlertKind.EXPIRING,
        product_id=row.product_id,
        batch_id=row.batch_id,
        quantity=row.quantity,
        expires_on=row.expires_on,
    )
