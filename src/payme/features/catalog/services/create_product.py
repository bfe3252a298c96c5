"""Add one product."""

from payme.features import audit
from payme.features.catalog import repository
from payme.features.catalog.events import ProductCreated
from payme.features.catalog.schemas import CreateProduct, ProductView
from payme.features.catalog.services.read_products import get_product, seen_by
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork


async def create_product(uow: UnitOfWork, command: CreateProduct) -> ProductView:
    """Add a product; features above give it what they need in the same transaction.

    Raises: ProductExists, SkuTaken, BarcodeTaken.
    """
    product_id = command.id or new_id()
    await repository.insert_products(uow, {product_id: command})
    audit.record(
        uow,
        "product.created",
        product_id,
        name=command.name,
        price_cents=command.price_cents,
        buying_price_cents=command.buying_price_cents,
        vat_class=command.vat_class,
    )
    uow.touch("products", product_id)
    uow.publish(
        ProductCreated(
            subject_id=product_id, track_stock=command.track_stock, buying_price_cents=command.buying_price_cents
        )
    )
    return seen_by(uow.actor, await get_product(uow, product_id))
