"""HTTP of the catalogue."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.catalog.errors import (
    BarcodeTaken,
    CsvHeader,
    CsvUnreadable,
    ProductExists,
    ProductNotFound,
    SkuTaken,
)
from payme.features.catalog.schemas import (
    ChangeProduct,
    CreateProduct,
    ImportReport,
    ProductFilter,
    ProductView,
    VatRateView,
)
from payme.features.catalog.services import read_products
from payme.features.catalog.services.change_product import change_product, lock_product
from payme.features.catalog.services.create_product import create_product
from payme.features.catalog.services.exchange_products import export_products, import_products
from payme.kit.pagination import Page
from payme.kit.time import QueryDay
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router, public

CSV = "text/csv"
router = Router(prefix="/v1/businesses/{business_id}/products", tag="catalog")
vat_rates = Router(prefix="/v1/vat-rates", tag="catalog")


@router.post(
    operation="products_create", status=201, response=ProductView, may="catalog.write",
    errors=(ProductExists, SkuTaken, BarcodeTaken),
)  # fmt: skip
async def create(call: Call, command: CreateProduct) -> Response:
    """Add a product."""
    return await call.write(lambda uow: create_product(uow, command), status=201)


@router.get(operation="products_list", response=Page[ProductView], may="catalog.read")
async def list_all(
    call: Call,
    query: Paging,
    *,
    q: Annotated[str | None, Query(max_length=200, description="Part of a name or SKU, or a whole barcode")] = None,
    category: Annotated[str | None, Query(max_length=80)] = None,
    active: bool | None = None,
) -> Response:
    """List products by name. An unchanged catalogue answers 304 to If-None-Match."""
    wanted = ProductFilter(q=q or None, category=category, active=active)

    return await call.read_page_written(
        query,
        lambda uow, after, limit: read_products.write_products(uow, wanted, after=_position(after), limit=limit),
        version=read_products.products_version,
    )


@router.post(
    "/import", operation="products_import", response=ImportReport, may="catalog.write", consumes=CSV,
    errors=(CsvUnreadable, CsvHeader, SkuTaken, BarcodeTaken),
)  # fmt: skip
async def import_file(call: Call, *, dry_run: bool = False) -> Response:
    """Add a product for each good row of a CSV file, and explain the other rows.

    Columns: name and price, and any of sku, barcode (several with spaces between), unit, category, buying_price, vat_class,
    reorder_point, track_stock, track_expiry, active. Prices are in shillings. Stock comes by receipts.
    """
    content = await call.read_body()
    return await call.write(lambda uow: import_products(uow, content, dry_run=dry_run))


@router.get("/export", operation="products_export", may="catalog.read", produces=(CSV,))
async def export_file(call: Call) -> Response:
    """Download all products as a CSV file that can be imported again."""

    async def work(uow: UnitOfWork) -> Response:
        headers = {"content-disposition": 'attachment; filename="products.csv"', "cache-control": "no-store"}
        return Response(await export_products(uow), 200, headers, media_type=f"{CSV}; charset=utf-8")

    return await call.read(work)


@router.get(
    "/{product_id}", operation="products_get", response=ProductView, may="catalog.read", errors=(ProductNotFound,)
)
async def read(call: Call, product_id: UUID) -> Response:
    """Read a product."""
    return await call.read(lambda uow: read_products.show_product(uow, product_id))


@router.patch(
    "/{product_id}", operation="products_change", response=ProductView, may="catalog.write",
    errors=(ProductNotFound, SkuTaken, BarcodeTaken),
)  # fmt: skip
async def change(call: Call, product_id: UUID, *, command: ChangeProduct) -> Response:
    """Change what is named of a product."""
    return await call.update(
        lambda uow: change_product(uow, product_id, command=command), rev=lambda uow: lock_product(uow, product_id)
    )


@vat_rates.get(operation="vat_rates_list", access=public, response=list[VatRateView])
async def list_rates(call: Call, on: QueryDay | None = None) -> Response:
    """List the VAT classes with their rates and the day each begins, or those that hold on a day."""

    async def work(uow: UnitOfWork) -> list[VatRateView]:
        return await read_products.list_vat_rates(uow, on=on)

    return await call.read(work)


def _position(after: list[Any] | None) -> tuple[str, UUID] | None:
    return (str(after[0]), UUID(after[1])) if after else None


feature = Feature("catalog", "What the shop sells: products, barcodes, prices, VAT classes.", (router, vat_rates))
