"""Read sales."""

from uuid import UUID

from payme.features import payments
from payme.features.sales.errors import SaleNotFound
from payme.features.sales.repository import sales
from payme.features.sales.repository.sales import StoredSale
from payme.features.sales.rules.carts import profit_cents
from payme.features.sales.schemas.sales import SaleView
from payme.features.sales.services.create_sale import as_sale_payment
from payme.runtime.database import UnitOfWork


async def lock_sale(uow: UnitOfWork, sale_id: UUID) -> StoredSale:
    """Lock and return a sale, before its stock and its payments. Raises: SaleNotFound."""
    sale = await sales.lock_sale(uow, sale_id)
    if sale is None:
        raise SaleNotFound(sale_id=sale_id)
    return sale


async def get_sale(uow: UnitOfWork, sale_id: UUID) -> SaleView:
    """Return a sale with its lines and payments. Raises: SaleNotFound."""
    sale = await sales.find_sale(uow, sale_id)
    if sale is None:
        raise SaleNotFound(sale_id=sale_id)
    return await view_of(uow, sale)


async def view_of(uow: UnitOfWork, sale: StoredSale) -> SaleView:
    """Return the view of a stored sale; costs only for those who may see them."""
    shows_cost = uow.actor.may("sales.read_cost") and sale.cost_cents is not None
    lines = [
        line if shows_cost else line.model_copy(update={"cost_cents": None})
        for line, _ in await sales.list_lines(uow, sale.id)
    ]
    paid = await payments.list_for(uow, "sale", sale.id)
    return SaleView(
        id=sale.id, receipt_number=sale.receipt_number, status=sale.status, lines=lines, total_cents=sale.total_cents,
        discount_cents=sale.discount_cents, rounding_cents=sale.rounding_cents, vat_cents=sale.vat_cents,
        cost_cents=sale.cost_cents if shows_cost else None,
        profit_cents=profit_cents(
            net_of_rounding_cents=sale.total_cents - sale.rounding_cents, vat_cents=sale.vat_cents, cost_cents=sale.cost_cents
        ) if shows_cost and sale.cost_cents is not None else None,
        paid_cents=sale.paid_cents, change_cents=sale.change_cents, payments=[as_sale_payment(each) for each in paid],
        branch_id=sale.branch_id, till_id=sale.till_id, customer_id=sale.customer_id, shift_id=sale.shift_id,
        created_at=sale.recorded_at, completed_at=sale.completed_at, rev=sale.rev,
    )  # fmt: skip
