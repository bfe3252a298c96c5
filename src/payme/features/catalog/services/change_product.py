"""Change a product's description, price or codes. Past sales keep the name, price and rate they were made with."""

from typing import Any
from uuid import UUID

from payme.features import audit
from payme.features.catalog import repository
from payme.features.catalog.errors import ProductNotFound
from payme.features.catalog.events import ProductChanged
from payme.features.catalog.schemas import ChangeProduct, ProductView
from payme.features.catalog.services.read_products import get_product, seen_by
from payme.runtime.database import UnitOfWork


async def lock_product(uow: UnitOfWork, product_id: UUID) -> int:
    """Lock a product against other changes and return its revision. Raises: ProductNotFound."""
    rev = await repository.lock_product(uow, product_id)
    if rev is None:
        raise ProductNotFound(product_id=product_id)
    return rev


async def change_product(uow: UnitOfWork, product_id: UUID, *, command: ChangeProduct) -> ProductView:
    """Change what the command names and nothing else; a change that changes nothing makes no new revision.

    Raises: ProductNotFound, SkuTaken, BarcodeTaken, and what features above refuse.
    """
    await lock_product(uow, product_id)
    before = await get_product(uow, product_id)
    wanted = {name: getattr(command, name) for name in command.model_fields_set}
    if "barcodes" in wanted:
        wanted["barcodes"] = sorted(wanted["barcodes"])
    changed = {name: value for name, value in wanted.items() if getattr(before, name) != value}
    if not changed:
        return seen_by(uow.actor, before)
    after = before.model_copy(update={**changed, "updated_at": uow.now})
    rev = await repository.update_product(uow, after)
    await _replace_barcodes(uow, before, after=after)
    _tell(uow, before, changed=changed)
    first = after.barcodes[0] if after.barcodes else None
    return seen_by(uow.actor, after.model_copy(update={"rev": rev, "barcode": first}))


async def _replace_barcodes(uow: UnitOfWork, before: ProductView, *, after: ProductView) -> None:
    gone = [barcode for barcode in before.barcodes if barcode not in after.barcodes]
    if gone:
        await repository.delete_barcodes(uow, gone, product_id=before.id)
    added = [(barcode, before.id) for barcode in after.barcodes if barcode not in before.barcodes]
    await repository.insert_barcodes(uow, added)


def _tell(uow: UnitOfWork, before: ProductView, *, changed: dict[str, Any]) -> None:
    audit.record(
        uow,
        "product.changed",
        before.id,
        changed={name: {"from": getattr(before, name), "to": value} for name, value in changed.items()},
    )
    uow.touch("products", before.id)
    uow.publish(
        ProductChanged(
            subject_id=before.id,
            track_stock=changed.get("track_stock", before.track_stock),
            buying_price_cents=changed.get("buying_price_cents", before.buying_price_cents),
        )
    )
