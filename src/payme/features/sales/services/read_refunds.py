"""Read refunds."""

from uuid import UUID

from payme.features.sales.errors import SaleNotFound
from payme.features.sales.repository import refunds, sales
from payme.features.sales.schemas.refunds import RefundView
from payme.runtime.database import UnitOfWork


async def list_refunds(uow: UnitOfWork, sale_id: UUID) -> list[RefundView]:
    """Return the refunds of a sale, the oldest first; costs only for those who may see them. Raises: SaleNotFound."""
    if await sales.find_sale(uow, sale_id) is None:
        raise SaleNotFound(sale_id=sale_id)
    return [shown(uow, each) for each in await refunds.list_refunds(uow, sale_id)]


def shown(uow: UnitOfWork, refund: RefundView) -> RefundView:
    """Return a refund as the actor may see it."""
    if uow.actor.may("sales.read_cost"):
        return refund
    lines = [line.model_copy(update={"cost_cents": None}) for line in refund.lines]
    return refund.model_copy(update={"cost_cents": None, "lines": lines})
