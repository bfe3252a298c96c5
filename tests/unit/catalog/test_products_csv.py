import csv
import io

import pytest

from payme.features.catalog.errors import CsvHeader, CsvUnreadable
from payme.features.catalog.rules.products_csv import COLUMNS, cents_of, flag_of, read_table, shillings, write_table


def table(*rows: str) -> bytes:
    return "\r\n".join(["name,price", *rows]).encode()


def cells(content: bytes) -> list[dict[str, str]]:
    return [dict(row.cells) for row in read_table(content)]


@pytest.mark.parametrize("text", ["=1+1", "+254", "-3", "@sum", "\t=1", "\r=1"])
def test_a_formula_is_written_harmless_and_read_as_it_was(text: str):
    written = write_table([dict.fromkeys(COLUMNS, "") | {"name": text, "price": "1.00"}])
    [row] = csv.DictReader(io.StringIO(written, newline=""))
    assert row["name"] == f"'{text}"
    [read] = read_table(written.encode())
    assert read.cells["name"] == text


@pytest.mark.parametrize("name", ["'n' beans", "Ng'ombe", "'", "a=b"])
def test_an_apostrophe_of_ones_own_stays(name: str):
    assert cells(table(f"{name},1")) == [{"name": name, "price": "1"}]


def test_rows_keep_their_number_and_empty_ones_are_left_out():
    rows = read_table(table("Chai,60", " , ", "Maziwa,70,"))
    assert [(row.number, row.too_long) for row in rows] == [(2, False), (4, False)]
    [long] = read_table(table("Chai,60,more"))
    assert long.too_long


def test_semicolons_separate_where_the_header_has_them():
    assert cells(b"name;price\nChai;60,50") == [{"name": "Chai", "price": "60,50"}]
    assert cells(b"name,price\nChai; kubwa,60") == [{"name": "Chai; kubwa", "price": "60"}]


@pytest.mark.parametrize(
    ("header", "facts"),
    [
        ("name,price,colour", {"unknown": ["colour"], "missing": [], "doubled": []}),
        ("name", {"unknown": [], "missing": ["price"], "doubled": []}),
        ("name,price,name", {"unknown": [], "missing": [], "doubled": ["name"]}),
    ],
)
def test_a_header_that_is_not_ours_is_refused(header: str, facts: dict[str, list[str]]):
    with pytest.raises(CsvHeader) as refused:
        read_table(header.encode())
    assert {name: refused.value.facts[name] for name in facts} == facts


@pytest.mark.parametrize("content", [b"name,price\n\xff,1", b"name,price\na\x00b,1", b'name,price\n"a,1'])
def test_what_is_no_table_is_refused(content: bytes):
    with pytest.raises(CsvUnreadable):
        read_table(content)


@pytest.mark.parametrize(
    ("cell", "cents"),
    [("1,250.50", 125_050), ("60", 6_000), ("0.5", 50), ("60.555", None), ("-1", None), ("1,25", None), ("", None)],
)
def test_shillings_are_read_to_the_cent(cell: str, cents: int | None):
    assert cents_of(cell) == cents


def test_cents_are_written_as_shillings():
    assert [shillings(each) for each in (0, 5, 125_050)] == ["0.00", "0.05", "1250.50"]


def test_a_flag_says_yes_no_or_nothing():
    assert [flag_of(cell) for cell in ("YES", "1", "false", "No", "maybe", "")] == [
        True,
        True,
        False,
        False,
        None,
        None,
    ]
