"""Downloaded statements: the portal's layout, what spreadsheets make of it, and row by row what cannot be read."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.integrations.daraja import (
    Party,
    RowFault,
    StatementFault,
    StatementReading,
    StatementRow,
    is_receipt,
    read_statement,
)

HEADER = [
    "Receipt No.",
    "Completion Time",
    "Initiation Time",
    "Details",
    "Transaction Status",
    "Paid In",
    "Withdrawn",
    "Balance",
    "Balance Confirmed",
    "Reason Type",
    "Other Party Info",
    "Linked Transaction ID",
    "A/C No.",
]
PAID = [
    "UKM8RT2K1P",
    "22-11-2026 13:05:09",
    "22-11-2026 13:05:01",
    "Pay Bill from 2547***345 - JANE DOE Acc. INV-42",
    "Completed",
    "1,300.00",
    "",
    "9,400.50",
    "true",
    "Pay Bill Online",
    "254712***345 - JANE DOE",
    "",
    "INV-42",
]
CHARGE = [
    "UKM8RT2K1P",
    "22-11-2026 13:05:09",
    "22-11-2026 13:05:01",
    "Pay Bill Charge",
    "Completed",
    "",
    "-6.50",
    "9,394.00",
    "true",
    "Pay Bill Charge",
    "600992 - Duka",
    "UKM8RT2K1P",
    "",
]
BEFORE = [
    ["Account Holder:", "Duka Bora Ltd"],
    ["Short Code:", "600992"],
    ["Account:", "Utility Account"],
    ["Time Period:", "From 22-11-2026 00:00:00 To 22-11-2026 23:59:59"],
    [],
]
COMPLETED_AT = datetime(2026, 11, 22, 10, 5, 9, tzinfo=UTC)


def a_file(rows: Sequence[Sequence[str]], *, delimiter: str = ",", line_end: str = "\r\n") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    return out.getvalue()


def read(*rows: Sequence[str], before: Sequence[Sequence[str]] = BEFORE) -> StatementReading:
    return read_statement(a_file([*before, HEADER, *rows]).encode())


def a_row(**changes: str) -> list[str]:
    cells = dict(zip(HEADER, PAID, strict=True))
    return list((cells | {name.replace("_", " "): value for name, value in changes.items()}).values())


def test_the_layout_of_the_portal():
    reading = read(PAID, CHARGE)
    assert (reading.faults, reading.shortcode) == ((), "600992")
    assert reading.rows[0] == StatementRow(
        line=7,
        receipt="UKM8RT2K1P",
        completed_at=COMPLETED_AT,
        paid_in_cents=1_300_00,
        withdrawn_cents=0,
        initiated_at=datetime(2026, 11, 22, 10, 5, 1, tzinfo=UTC),
        details="Pay Bill from 2547***345 - JANE DOE Acc. INV-42",
        transaction_status="Completed",
        balance_cents=9_400_50,
        is_balance_confirmed=True,
        reason_type="Pay Bill Online",
        other_party=Party("JANE DOE", "254712***345"),
        linked_receipt=None,
        account_reference="INV-42",
    )
    charge = reading.rows[1]
    assert (charge.paid_in_cents, charge.withdrawn_cents, charge.linked_receipt) == (0, 6_50, "UKM8RT2K1P")


@pytest.mark.parametrize(
    "data",
    [
        a_file([*BEFORE, HEADER, PAID]).encode("utf-8-sig"),
        a_file([*BEFORE, HEADER, PAID]).encode("utf-16"),
        a_file([*BEFORE, HEADER, PAID], delimiter=";").encode(),
        a_file([*BEFORE, HEADER, PAID], delimiter="\t").encode(),
        a_file([*BEFORE, HEADER, PAID], delimiter="|").encode(),
        a_file([*BEFORE, HEADER, PAID], line_end="\n").encode(),
        a_file([*BEFORE, HEADER, PAID], line_end="\r").encode(),
        a_file([*BEFORE, [name.upper() for name in HEADER], PAID]).encode(),
        a_file([*BEFORE, HEADER[::-1], PAID[::-1]]).encode(),
        a_file([*BEFORE, [*HEADER, "Currency"], [*PAID, "KES"]]).encode(),
        a_file([*BEFORE, HEADER, PAID, [], [""] * 13]).encode(),
        a_file([["Short Code: 600992"], HEADER, [f'="{PAID[0]}"', *PAID[1:]]]).encode(),
        a_file([["Organization Shortcode", "600992"], HEADER, [f"'{PAID[0]}", *PAID[1:]]]).encode(),
    ],
)
def test_what_spreadsheets_make_of_it_is_read_the_same(data: bytes):
    reading = read_statement(data)
    assert (reading.faults, reading.shortcode) == ((), "600992")
    (row,) = reading.rows
    assert row.receipt == "UKM8RT2K1P"
    assert (row.completed_at, row.paid_in_cents, row.account_reference) == (COMPLETED_AT, 1_300_00, "INV-42")


def test_a_file_in_an_old_encoding_is_read():
    data = a_file([HEADER, a_row(Details="Café")]).encode("cp1252")
    assert read_statement(data).rows[0].details == "Café"


@pytest.mark.parametrize(
    "missing", [name for name in HEADER if name not in {"Receipt No.", "Completion Time", "Paid In"}]
)
def test_a_column_that_is_not_needed_may_be_missing(missing: str):
    place = HEADER.index(missing)
    header, row = ([cell for index, cell in enumerate(cells) if index != place] for cells in (HEADER, PAID))
    (found,) = read_statement(a_file([header, row]).encode()).rows
    assert (found.receipt, found.paid_in_cents, found.withdrawn_cents) == ("UKM8RT2K1P", 1_300_00, 0)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-22 13:05:09",
        "22/11/2026 13:05:09",
        "2026/11/22 13:05:09",
        "22.11.2026 13:05:09",
        "2026-11-22T13:05:09",
        "22-11-2026 01:05:09 PM",
    ],
)
def test_a_time_may_be_written_in_many_ways_and_is_nairobis(written: str):
    assert read(a_row(Completion_Time=written)).rows[0].completed_at == COMPLETED_AT


@pytest.mark.parametrize(
    ("written", "cents"),
    [("5", 5_00), ("5.00", 5_00), ("12,345,678.90", 12_345_678_90), ("KES 5.00", 5_00), ("0.01", 1)],
)
def test_an_amount_is_exact(written: str, cents: int):
    assert read(a_row(Paid_In=written)).rows[0].paid_in_cents == cents


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (a_row(Paid_In=""), StatementFault.AMOUNT),
        (a_row(Paid_In="0.00"), StatementFault.AMOUNT),
        (a_row(Paid_In="-5.00"), StatementFault.AMOUNT),
        (a_row(Paid_In="1.300,00"), StatementFault.AMOUNT),
        (a_row(Paid_In="13,00.00"), StatementFault.AMOUNT),
        (a_row(Paid_In="5.001"), StatementFault.AMOUNT),
        (a_row(Paid_In="5e3"), StatementFault.AMOUNT),
        (a_row(Paid_In="five"), StatementFault.AMOUNT),
        (a_row(Withdrawn="5.00"), StatementFault.AMOUNT),
        (a_row(Withdrawn="--5.00", Paid_In=""), StatementFault.AMOUNT),
        (a_row(Completion_Time=""), StatementFault.COMPLETION_TIME),
        (a_row(Completion_Time="31-02-2026 10:00:00"), StatementFault.COMPLETION_TIME),
        (a_row(Completion_Time="22-11-1926 10:00:00"), StatementFault.COMPLETION_TIME),
        (["", *PAID[1:]], StatementFault.RECEIPT),
        (["OAK0000000", *PAID[1:]], StatementFault.RECEIPT),
        (["Total", "", "", "", "", "1,300.00"], StatementFault.RECEIPT),
    ],
)
def test_a_row_that_cannot_be_used_is_a_fault_and_the_others_stay(row: list[str], fault: StatementFault):
    reading = read(PAID, row, CHARGE)
    assert [found.line for found in reading.rows] == [7, 9]
    assert reading.faults == (RowFault(8, fault),)


def test_what_is_odd_beside_the_money_is_left_out():
    row = a_row(Balance="much", Balance_Confirmed="perhaps", Initiation_Time="then", Linked_Transaction_ID="OAK0000000")
    (found,) = read(row).rows
    assert (found.balance_cents, found.is_balance_confirmed) == (None, None)
    assert (found.initiated_at, found.linked_receipt) == (None, None)


def test_a_balance_may_be_below_zero_and_a_short_row_ends_early():
    assert read(a_row(Balance="-1,540.00")).rows[0].balance_cents == -1_540_00
    assert read(PAID[:6]).rows[0].paid_in_cents == 1_300_00


def test_a_quote_that_never_ends_is_a_fault_and_hides_nothing():
    good = a_file([HEADER, PAID])
    reading = read_statement((good + 'UKM8RT2K1Q,"never\r\n' + a_file([CHARGE])).encode())
    assert [row.receipt for row in reading.rows] == ["UKM8RT2K1P"]
    assert [fault.fault for fault in reading.faults] == [StatementFault.BROKEN_LINE]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", StatementFault.NO_TABLE),
        (b"\x89PNG\r\n\x1a\n\x00", StatementFault.NO_TABLE),
        (b"%PDF-1.7 Receipt No.", StatementFault.NO_TABLE),
        (a_file([["Receipt No.", "Completion Time"], PAID]).encode(), StatementFault.NO_TABLE),
        (a_file([["x"]] * 61 + [HEADER, PAID]).encode(), StatementFault.NO_TABLE),
        (b"\xff\xfe\x00", StatementFault.NOT_TEXT),
        (b"a," * (8 * 1024 * 1024) + b"a", StatementFault.TOO_LONG),
    ],
)
def test_a_file_that_is_no_statement_says_why(data: bytes, fault: StatementFault):
    assert read_statement(data) == StatementReading(faults=(RowFault(0, fault),))


def test_people_stay_out_of_the_repr():
    shown = repr(read(PAID))
    assert "JANE" not in shown
    assert "254712" not in shown


@given(st.binary(max_size=2_000))
def test_any_bytes_are_a_reading(data: bytes):
    assert isinstance(read_statement(data), StatementReading)


CELLS = st.one_of(
    st.text(max_size=8),
    st.sampled_from([*PAID, *CHARGE, "OAK0000000", "-5.00", '"', "=", "'"]),
)


@given(st.lists(st.lists(CELLS, max_size=14), max_size=6), st.sampled_from(",;\t|"), st.permutations(HEADER))
def test_any_table_holds_only_what_stands_in_it(rows: list[list[str]], delimiter: str, header: list[str]):
    text = a_file([header, *rows], delimiter=delimiter)
    reading = read_statement(text.encode("utf-8", "surrogatepass"))
    for row in reading.rows:
        assert row.receipt in text
        assert is_receipt(row.receipt)
        assert (row.paid_in_cents > 0) != (row.withdrawn_cents > 0)
        shillings = Decimal(row.paid_in_cents + row.withdrawn_cents) / 100
        assert f"{shillings.to_integral_value(rounding='ROUND_DOWN')}" in text.replace(",", "")
    assert len(reading.rows) + len(reading.faults) <= max(len(text.splitlines()), 1)
