"""Collections that describe the shop to a till: products, levels of stock, settings, ways to be paid.

What a till does not need is not in them: no costs, no credentials.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from payme.features import businesses, catalog, inventory, payments
from payme.features.sync.enums import Kind
from payme.features.sync.errors import NotDeletable
from payme.features.sync.repository import standing
from payme.features.sync.rules.strategies import Content
from payme.features.sync.services.collections import Collection
from payme.kit.synced import ChangedRow, Place
from payme.runtime.database import UnitOfWork

_OF_A_PRODUCT: Final = frozenset(
    {
        "name", "sku", "barcodes", "unit", "category", "price_cents", "vat_class", "reorder_point", "track_stock",
        "track_expiry", "active",
    }
)  # fmt: skip
_OF_SETTINGS: Final = {
    "name", "currency", "cash_rounding_cents", "day_starts_at", "discount_limit_basis_points", "refund_limit_cents",
    "verify_above_cents", "claim_limit_cents",
}  # fmt: skip


class Products(Collection):
    """What is sold. A product is never deleted; it is made inactive."""

    name, stamp, kind = "products", "products", Kind.REFERENCE
    writes = "catalog.write"
    content, fields = catalog.CreateProduct, _OF_A_PRODUCT

    async def page(self, uow: UnitOfWork, place: Place) -> list[ChangedRow]:
        """Return products."""
        return await catalog.page_products(uow, place)

    async def lock(self, uow: UnitOfWork, document_id: UUID) -> ChangedRow | None:
        """Lock a product against other changes, not against sales."""
        return await catalog.lock_product_document(uow, document_id)

    async def write(self, uow: UnitOfWork, document_id: UUID, content: Content, *, current: Content | None) -> None:
        """Make or change a product by the services of the catalogue."""
        if content.is_deleted:
            raise NotDeletable
        if current is None:
            await catalog.create_product(
                uow, catalog.CreateProduct.model_validate({**content.fields, "id": document_id})
            )
            return
        changed = {name: each for name, each in content.fields.items() if current.fields.get(name) != each}
        await catalog.change_product(uow, document_id, command=catalog.ChangeProduct.model_validate(changed))

    def plain(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the fields with the barcodes in their order."""
        return {**fields, "barcodes": sorted(fields["barcodes"])}


class StockLevels(Collection):
    """What was last known to be there; a sum, so never written by a push."""

    name, stamp, kind = "stock_levels", "stock", Kind.FIGURES

    async def page(self, uow: UnitOfWork, place: Place) -> list[ChangedRow]:
        """Return levels."""
        return await inventory.page_levels(uow, place)


class Settings(Collection):
    """One document: the business as a till needs it, with the VAT rates."""

    name, stamp, kind = "settings", "businesses", Kind.FIGURES

    async def page(self, uow: UnitOfWork, place: Place) -> list[ChangedRow]:
        """Return the settings where they changed."""
        return await _single(uow, self.stamp, place, make=_settings)


class PaymentMethods(Collection):
    """One document: the ways to be paid that are set up, without credentials."""

    name, stamp, kind = "payment_methods", "payment_methods", Kind.FIGURES

    async def page(self, uow: UnitOfWork, place: Place) -> list[ChangedRow]:
        """Return the ways to be paid where one of them changed."""
        return await _single(uow, self.stamp, place, make=_payment_methods)


async def _single(
    uow: UnitOfWork, stamp: str, place: Place, *, make: Callable[[UnitOfWork], Awaitable[dict[str, Any]]]
) -> list[ChangedRow]:
    rows: list[ChangedRow] = []
    for document_id, sequence, rev, _ in await standing.page_ids(uow, stamp, place):
        document = {**await make(uow), "id": str(document_id), "rev": rev, "_deleted": False}
        rows.append(ChangedRow(document_id, sequence, rev, json.dumps(document)))
    return rows


async def _settings(uow: UnitOfWork) -> dict[str, Any]:
    business = await businesses.get_business(uow)
    rates = await catalog.list_vat_rates(uow)
    return {
        **business.model_dump(mode="json", include=_OF_SETTINGS),
        "vat_rates": [each.model_dump(mode="json") for each in rates],
    }


async def _payment_methods(uow: UnitOfWork) -> dict[str, Any]:
    shown = {"kind", "shortcode", "till_number", "account_reference"}
    methods = await payments.list_methods(uow)
    return {"methods": [each.model_dump(mode="json", include=shown) for each in methods if each.active]}
