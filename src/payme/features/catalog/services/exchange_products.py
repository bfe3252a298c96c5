"""Bring products in from a CSV file, row by row, and write them out as one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from payme.features import audit
from payme.features.catalog import repository
from payme.features.catalog.events import ProductsImported
from payme.features.catalog.rules.products_csv import (
    FLAGS,
    TableRow,
    cents_of,
    flag_of,
    read_table,
    shillings,
    write_table,
)
from payme.features.catalog.schemas import CreateProduct, ImportReport, ProductView, RowFault
from payme.features.catalog.services.read_products import seen_by
from payme.kit.ids import new_id
from payme.kit.quantity import as_text
from payme.runtime.database import UnitOfWork

MOST_FAULTS_SHOWN: Final = 1000
_PAGE: Final = 1000
_COLUMN_OF: Final = {"price_cents": "price", "buying_price_cents": "buying_price", "barcodes": "barcode"}


@dataclass(slots=True)
class _Sheet:
    """The good rows of a file by number, and what is wrong with the others."""

    good: dict[int, CreateProduct] = field(default_factory=dict[int, CreateProduct])
    faults: list[RowFault] = field(default_factory=list[RowFault])

    def blame(self, row: int, column: str, *, code: str, detail: str) -> None:
        self.good.pop(row, None)
        self.faults.append(RowFault(row=row, column=column, code=code, detail=detail))


async def import_products(uow: UnitOfWork, content: bytes, *, dry_run: bool) -> ImportReport:
    """Add a product for each good row of a CSV file and explain the other rows; a dry run adds nothing.

    A row whose SKU or barcode a product or an earlier row has is not good. Raises: CsvUnreadable, CsvHeader.
    """
    rows = read_table(content)
    sheet = _Sheet()
    for row in rows:
        _read_row(row, sheet)
    _refuse_doubles(sheet)
    await _refuse_taken(uow, sheet)
    if sheet.good and not dry_run:
        await _add(uow, sheet)
    return ImportReport(
        dry_run=dry_run,
        imported=len(sheet.good),
        rejected=len(rows) - len(sheet.good),
        errors=sorted(sheet.faults, key=lambda fault: fault.row)[:MOST_FAULTS_SHOWN],
    )


async def export_products(uow: UnitOfWork) -> str:
    """Return every product, as the actor may see it, as a CSV file that can be imported again."""
    products: list[ProductView] = []
    while True:
        after = (products[-1].name, products[-1].id) if products else None
        page = await repository.list_products(uow, after=after, limit=_PAGE)
        products += (seen_by(uow.actor, each) for each in page)
        if len(page) < _PAGE:
            return write_table(_cells(product) for product in products)


def _read_row(row: TableRow, sheet: _Sheet) -> None:
    if row.too_long:
        sheet.blame(row.number, "", code="too_many_cells", detail="The row has more cells than the header")
        return
    values: dict[str, Any] = {}
    known = len(sheet.faults)
    for column, cell in row.cells.items():
        if column in {"price", "buying_price"}:
            values[f"{column}_cents"] = cents_of(cell)
            if values[f"{column}_cents"] is None:
                detail = "Write an amount in shillings, such as 120 or 120.50"
                sheet.blame(row.number, column, code="not_an_amount", detail=detail)
        elif column in FLAGS:
            values[column] = flag_of(cell)
            if values[column] is None:
                sheet.blame(row.number, column, code="not_yes_or_no", detail="Write yes or no")
        elif column == "barcode":
            values["barcodes"] = cell.split()
        else:
            values[column] = cell.upper() if column == "vat_class" else cell
    if len(sheet.faults) == known:
        _validate(row.number, values, sheet=sheet)


def _validate(number: int, values: Mapping[str, Any], *, sheet: _Sheet) -> None:
    try:
        sheet.good[number] = CreateProduct.model_validate(values)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            name = str(each["loc"][0]) if each["loc"] else ""
            sheet.blame(number, _COLUMN_OF.get(name, name), code=each["type"], detail=each["msg"])


def _refuse_doubles(sheet: _Sheet) -> None:
    seen: dict[tuple[str, str], int] = {}
    for number, product in list(sheet.good.items()):
        for column, value in _codes(product):
            first = seen.setdefault((column, value), number)
            if first != number:
                sheet.blame(number, column, code=f"{column}_repeated", detail=f"Row {first} has it too")


async def _refuse_taken(uow: UnitOfWork, sheet: _Sheet) -> None:
    skus = [product.sku for product in sheet.good.values() if product.sku]
    barcodes = [barcode for product in sheet.good.values() for barcode in product.barcodes]
    taken_skus, taken_barcodes = await repository.list_taken(uow, skus=skus, barcodes=barcodes)
    taken = {"sku": taken_skus, "barcode": taken_barcodes}
    for number, product in list(sheet.good.items()):
        for column, value in _codes(product):
            if value in taken[column]:
                sheet.blame(number, column, code=f"{column}_taken", detail="Another product has it already")


def _codes(product: CreateProduct) -> list[tuple[str, str]]:
    return [*([("sku", product.sku)] if product.sku else []), *(("barcode", each) for each in product.barcodes)]


async def _add(uow: UnitOfWork, sheet: _Sheet) -> None:
    import_id = new_id()
    products: dict[UUID, CreateProduct] = {new_id(): product for product in sheet.good.values()}
    await repository.insert_products(uow, products)
    for product_id in products:
        uow.touch("products", product_id)
    audit.record(uow, "products.imported", import_id, count=len(products), product_ids=list(products))
    tracked = {key: each.buying_price_cents or 0 for key, each in products.items() if each.track_stock}
    uow.publish(ProductsImported(subject_id=import_id, count=len(products), tracked=tracked))


def _cells(product: ProductView) -> dict[str, str]:
    return {
        "name": product.name,
        "sku": product.sku or "",
        "barcode": " ".join(product.barcodes),
        "unit": product.unit,
        "category": product.category,
        "price": shillings(product.price_cents),
        "buying_price": "" if product.buying_price_cents is None else shillings(product.buying_price_cents),
        "vat_class": product.vat_class,
        "reorder_point": "" if product.reorder_point is None else as_text(product.reorder_point),
        "track_stock": "yes" if product.track_stock else "no",
        "track_expiry": "yes" if product.track_expiry else "no",
        "active": "yes" if product.active else "no",
    }
