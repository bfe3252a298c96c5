"""Products from a CSV file, row by row, and back."""

import pytest

from payme.features.catalog.errors import CsvHeader, CsvUnreadable
from payme.features.catalog.schemas import CreateProduct
from payme.features.catalog.services.create_product import create_product
from payme.features.catalog.services.exchange_products import export_products, import_products
from tests.shop import Shop

HEADER = "name,sku,barcode,unit,category,price,buying_price,vat_class,reorder_point,track_stock,track_expiry,active\n"


def bring(shop: Shop, text: str | bytes, *, dry_run: bool = False):
    content = text if isinstance(text, bytes) else text.encode()
    return shop.run(lambda uow: import_products(uow, content, dry_run=dry_run))


async def products(shop: Shop):
    return await shop.rows("select name, sku, price_cents from products where business_id = $1 order by name")


async def test_good_rows_become_products_with_levels(shop: Shop):
    text = (
        HEADER
        + 'Maziwa,MLK,616110 616111,pkt,Dairy,"1,250.50",999.9,c,12.5,yes,yes\n'
        + "\n"
        + '"Chai, ""Kericho""",,,,,60,,,,no,\n'
    )
    report = await bring(shop, text)
    assert (report.imported, report.rejected, report.errors, report.dry_run) == (2, 0, [], False)
    assert await products(shop) == [('Chai, "Kericho"', None, 6_000), ("Maziwa", "MLK", 125_050)]
    rows = await shop.rows(
        "select p.unit, p.category, p.buying_price_cents, p.vat_class, p.reorder_point, p.track_expiry, l.last_unit_cost_cents"
        " from products p join stock_levels l using (business_id) where p.business_id = $1 and p.id = l.product_id"
    )
    assert [tuple(map(str, row)) for row in rows] == [("pkt", "Dairy", "99990", "C", "12.500", "True", "99990")]
    assert await shop.value("select count(*) from product_barcodes where business_id = $1") == 2


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (",,,,,10,,,,,", "name", "missing"),
        ("Chai,,,,,,,,,,", "price_cents", "missing"),
        ("Chai,,,,,ten,,,,,", "price", "not_an_amount"),
        ("Chai,,,,,10.555,,,,,", "price", "not_an_amount"),
        ('Chai,,,,,"1,25",,,,,', "price", "not_an_amount"),
        ("Chai,,,,,-1,,,,,", "price", "not_an_amount"),
        ("Chai,,,,,10,x,,,,", "buying_price", "not_an_amount"),
        ("Chai,,,,,9999999999.99,,,,,", "price", "less_than_equal"),
        ("Chai,,,,,10,,F,,,", "vat_class", "enum"),
        ("Chai,,,,,10,,,-1,,", "reorder_point", "greater_than_equal"),
        ("Chai,,,,,10,,,1.2345,,", "reorder_point", "value_error"),
        ("Chai,,,,,10,,,,maybe,", "track_stock", "not_yes_or_no"),
        ("Chai,,6!1,,,10,,,,,", "barcode", "string_pattern_mismatch"),
        (f"{'x' * 201},,,,,10,,,,,", "name", "string_too_long"),
        ("Chai,,,,,10,,,,,,,surplus", "", "too_many_cells"),
        ("Chai,TAKEN,,,,10,,,,,", "sku", "sku_taken"),
        ("Chai,,616999,,,10,,,,,", "barcode", "barcode_taken"),
        ("Chai,GOOD,,,,10,,,,,", "sku", "sku_repeated"),
        ("Chai,,616000,,,10,,,,,", "barcode", "barcode_repeated"),
    ],
)
async def test_a_bad_row_is_explained_and_the_good_ones_go_in(shop: Shop, row: str, column: str, code: str):
    taken = CreateProduct(name="Taken", sku="TAKEN", barcode="616999", price_cents=1)
    await shop.run(lambda uow: create_product(uow, taken))
    report = await bring(shop, HEADER + "Good,GOOD,616000,,,10,,,,,\n" + row + "\n")
    assert [(fault.row, fault.column, fault.code) for fault in report.errors] == [
        (3, column.removesuffix("_cents"), code)
    ]
    assert (report.imported, report.rejected) == (1, 1)
    assert [name for name, _, _ in await products(shop)] == ["Good", "Taken"]


async def test_a_dry_run_reports_the_same_and_adds_nothing(shop: Shop):
    report = await bring(shop, HEADER + "Good,,,,,10,,,,,\nBad,,,,,x,,,,,\n", dry_run=True)
    assert (report.dry_run, report.imported, report.rejected, report.errors[0].row) == (True, 1, 1, 3)
    assert await products(shop) == []
    assert await shop.value("select count(*) from audit_log where business_id = $1") == 0


async def test_a_spreadsheet_may_use_semicolons_and_a_mark_at_the_start(shop: Shop):
    await bring(shop, "Name; Price \nChai;60\n".encode("utf-8-sig"))
    assert await products(shop) == [("Chai", None, 6_000)]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", CsvHeader),
        (b"name,sku\nChai,1\n", CsvHeader),
        (b"name,price,colour\nChai,1,red\n", CsvHeader),
        (b"name,price,name\nChai,1,Chai\n", CsvHeader),
        (b"name,price\n\xff\xfe,1\n", CsvUnreadable),
        (b"name,price\nCh\0ai,1\n", CsvUnreadable),
        (b'name,price\n"Chai,1\n', CsvUnreadable),
        (b"name,price\n" + b"x" * 140_000 + b",1\n", CsvUnreadable),
    ],
)
async def test_a_file_that_is_no_table_is_refused_whole(shop: Shop, content: bytes, error: type[Exception]):
    with pytest.raises(error):
        await bring(shop, content)
    assert await products(shop) == []


async def test_what_goes_out_comes_in_again(shop: Shop, other_shop: Shop):
    text = HEADER + "Maziwa,MLK,616110 616111,pkt,Dairy,125.50,99.90,C,12.5,yes,yes\n'=1+1,,,each,,60.00,,B,,no,no,no\n"
    await bring(shop, text)
    out = await shop.run(export_products)
    assert "'=1+1," in out, "a spreadsheet must not run a name"
    assert [name for name, _, _ in await products(shop)] == ["=1+1", "Maziwa"]
    assert (await bring(other_shop, out)).rejected == 0
    assert await other_shop.value("select count(*) from products where business_id = $1 and active") == 1
    assert await other_shop.run(export_products) == out
    seen = await shop.as_person("catalog.read").run(export_products)
    assert "99.90" not in seen


async def test_a_thousand_products_come_and_go_in_one_file(shop: Shop):
    text = "name,price\n" + "".join(f"Product {number},{number}\n" for number in range(1_500))
    assert (await bring(shop, text)).imported == 1_500
    assert await shop.value("select count(*) from stock_levels where business_id = $1") == 1_500
    assert len((await shop.run(export_products)).splitlines()) == 1_501
