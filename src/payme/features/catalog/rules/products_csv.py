"""Products as a CSV table: reading cells, writing cells. Which product is acceptable is said by the command it becomes.

Prices are written in shillings. A cell that a spreadsheet would run as a formula is written with an apostrophe before it, and
read without.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from payme.features.catalog.errors import CsvHeader, CsvUnreadable
from payme.kit.money import CENTS_PER_SHILLING
from payme.kit.spreadsheets import as_written, harmless

COLUMNS: Final = (
    "name", "sku", "barcode", "unit", "category", "price", "buying_price", "vat_class", "reorder_point", "track_stock",
    "track_expiry", "active",
)  # fmt: skip
FLAGS: Final = frozenset({"track_stock", "track_expiry", "active"})
REQUIRED: Final = frozenset({"name", "price"})
_SHILLINGS: Final = re.compile(r"\d{1,12}(\.\d{1,2})?|\d{1,3}(,\d{3}){1,3}(\.\d{1,2})?", re.ASCII)
_FLAGS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its number in the file, counted with the header as 1, and its cells that are not empty."""

    number: int
    cells: Mapping[str, str]
    too_long: bool


def read_table(content: bytes) -> list[TableRow]:
    """Read a CSV file with a header, separated by commas or semicolons; empty rows are left out.

    Raises: CsvUnreadable, CsvHeader.
    """
    text = _decoded(content)
    separator = ";" if ";" in text.partition("\n")[0] else ","
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise CsvUnreadable(reason=str(error)) from error
    header = _checked_header([cell.strip().lower() for cell in rows[0]] if rows else [])
    return [
        _row(number, cells, header=header)
        for number, cells in enumerate(rows[1:], start=2)
        if any(map(str.strip, cells))
    ]


def write_table(products: Iterable[Mapping[str, str]]) -> str:
    """Return products, given as cells by column, as a CSV file."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    writer.writerows([harmless(product[column]) for column in COLUMNS] for product in products)
    return file.getvalue()


def cents_of(cell: str) -> int | None:
    """Return an amount written in shillings, such as `1,250.50`, in cents; None where it is not one."""
    if not _SHILLINGS.fullmatch(cell):
        return None
    return int(Decimal(cell.replace(",", "")) * CENTS_PER_SHILLING)


def shillings(cents: int) -> str:
    """Return cents written in shillings with two decimals."""
    return f"{Decimal(cents) / CENTS_PER_SHILLING:.2f}"


def flag_of(cell: str) -> bool | None:
    """Return what a yes or no cell says, or None where it says neither."""
    return _FLAGS.get(cell.lower())


def _decoded(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CsvUnreadable(reason="The file is not in UTF-8") from error
    if "\0" in text:
        raise CsvUnreadable(reason="The file holds NUL characters")
    return text


def _checked_header(header: Sequence[str]) -> Sequence[str]:
    unknown = [column for column in header if column not in COLUMNS]
    missing = sorted(REQUIRED.difference(header))
    doubled = sorted({column for column in header if header.count(column) > 1})
    if unknown or missing or doubled:
        raise CsvHeader(unknown=unknown, missing=missing, doubled=doubled, columns=list(COLUMNS))
    return header


def _row(number: int, cells: Sequence[str], *, header: Sequence[str]) -> TableRow:
    read = {column: as_written(cell.strip()) for column, cell in zip(header, cells, strict=False)}
    return TableRow(number, {column: cell for column, cell in read.items() if cell}, any(cells[len(header) :]))
