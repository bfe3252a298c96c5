"""Find products, list them, and tell the VAT rates."""

from datetime import date
from uuid import UUID

from payme.features.catalog import repository
from payme.features.catalog.errors import ProductNotFound
from payme.features.catalog.repository import Position
from payme.features.catalog.schemas import ProductFilter, ProductView, VatRateView
from payme.kit.actor import Actor
from payme.kit.pagination import WrittenPage
from payme.kit.synced import ChangedRow, Place
from payme.runtime.database import UnitOfWork

SEES_COST = "sales.read_cost"


async def get_product(uow: UnitOfWork, product_id: UUID) -> ProductView:
    """Return a product with everything known of it; `seen_by` makes it fit to be shown. Raises: ProductNotFound."""
    product = await repository.find_product(uow, product_id)
    if product is None:
        raise ProductNotFound(product_id=product_id)
    return product


async def show_product(uow: UnitOfWork, product_id: UUID) -> ProductView:
    """Return a product as the actor may see it. Raises: ProductNotFound."""
    return seen_by(uow.actor, await get_product(uow, product_id))


async def write_products(uow: UnitOfWork, wanted: ProductFilter, *, after: Position | None, limit: int) -> WrittenPage:
    """Return a page of products by name as the actor may see them, beyond a position."""
    with_cost = uow.actor.may(SEES_COST)
    return await repository.write_products(uow, wanted, after=after, limit=limit, with_cost=with_cost)


async def page_products(uow: UnitOfWork, place: Place) -> list[ChangedRow]:
    """Return products as tills know them, without what goods cost, in the order of their changes after a place."""
    return await repository.page_products(uow, place)


async def lock_product_document(uow: UnitOfWork, product_id: UUID) -> ChangedRow | None:
    """Lock a product against other changes and return it as tills know it, or None."""
    return await repository.lock_product_document(uow, product_id)


async def products_version(uow: UnitOfWork) -> int:
    """Return a number that rises with every change of a product in this business."""
    return await repository.products_version(uow)


async def list_vat_rates(uow: UnitOfWork, *, on: date | None = None) -> list[VatRateView]:
    """Return every VAT rate with the day it begins or, for a day, those that hold then."""
    return await repository.list_vat_rates(uow, on=on)


def seen_by(actor: Actor, product: ProductView) -> ProductView:
    """Return a product without what the actor may not see."""
    return product if actor.may(SEES_COST) else product.model_copy(update={"buying_price_cents": None})
