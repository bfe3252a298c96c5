"""A downloaded statement, whatever a spreadsheet did to it: its rows, and row by row what could not be read.

Nothing here raises on content: a file that is no statement is a reading without rows and with its fault. A row without a
receipt, a time and one amount is a fault and never a row; the other columns may be missing.
Source: statements downloaded from the M-Pesa organisation portal.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice
from types import MappingProxyType

from payme.integrations.daraja.parties import Party, party_of
from payme.integrations.daraja.receipts import is_receipt
from payme.integrations.daraja.statements.cells import plain, statement_cents, statement_instant

LARGEST_BYTES = 16 * 1024 * 1024
MOST_LINES_BEFORE_TABLE = 60
_DELIMITERS = ",;\t|"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_SHORTCODE = re.compile(r"short\s*code\W*([0-9]{5,7})\b", re.ASCII | re.IGNORECASE)


class Column(StrEnum):
    """A column of the table, by the letters and digits of its name."""

    RECEIPT = "receiptno"
    COMPLETION_TIME = "completiontime"
    INITIATION_TIME = "initiationtime"
    DETAILS = "details"
    TRANSACTION_STATUS = "transactionstatus"
    PAID_IN = "paidin"
    WITHDRAWN = "withdrawn"
    BALANCE = "balance"
    BALANCE_CONFIRMED = "balanceconfirmed"
    REASON_TYPE = "reasontype"
    OTHER_PARTY_INFO = "otherpartyinfo"
    LINKED_TRANSACTION_ID = "linkedtransactionid"
    ACCOUNT = "acno"


_OTHER_NAMES: Mapping[str, Column] = MappingProxyType(
    {
        "receipt": Column.RECEIPT,
        "receiptnumber": Column.RECEIPT,
        "status": Column.TRANSACTION_STATUS,
        "withdrawal": Column.WITHDRAWN,
        "accountno": Column.ACCOUNT,
        "accountnumber": Column.ACCOUNT,
    }
)
_NAMES: Mapping[str, Column] = MappingProxyType({**{column.value: column for column in Column}, **_OTHER_NAMES})
_NEEDED = frozenset({Column.RECEIPT, Column.COMPLETION_TIME})
_AMOUNTS = frozenset({Column.PAID_IN, Column.WITHDRAWN})


class StatementFault(StrEnum):
    """What is wrong with a file or a row."""

    TOO_LONG = "too_long"
    NOT_TEXT = "not_text"
    NO_TABLE = "no_table"
    BROKEN_LINE = "broken_line"
    RECEIPT = "receipt"
    COMPLETION_TIME = "completion_time"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One movement; instants are aware UTC. One of `paid_in_cents` and `withdrawn_cents` is above 0, the other is 0.

    A receipt may have more rows than one: the payment and its charge share it.
    """

    line: int
    receipt: str
    completed_at: datetime
    paid_in_cents: int
    withdrawn_cents: int
    initiated_at: datetime | None = None
    details: str = field(default="", repr=False)
    transaction_status: str = ""
    balance_cents: int | None = None
    is_balance_confirmed: bool | None = None
    reason_type: str = ""
    other_party: Party = field(default_factory=Party)
    linked_receipt: str | None = None
    account_reference: str = ""


@dataclass(frozen=True, slots=True)
class RowFault:
    """A line that could not be used, counted from 1 in the file; 0 for the file as a whole."""

    line: int
    fault: StatementFault


@dataclass(frozen=True, slots=True)
class StatementReading:
    """All rows in the order of the file, and all faults. `shortcode` is whose statement it says it is, or empty."""

    rows: tuple[StatementRow, ...] = ()
    faults: tuple[RowFault, ...] = ()
    shortcode: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the file, or the last of several; `is_broken` where its quotes do not add up."""

    number: int
    cells: list[str]
    is_broken: bool = False


@dataclass(frozen=True, slots=True)
class _Table:
    columns: Mapping[Column, int]
    lines: Iterator["_Line"]
    shortcode: str


def read_statement(data: bytes) -> StatementReading:
    """Return rows and faults of a statement's CSV in any common encoding and with any common delimiter; total."""
    if len(data) > LARGEST_BYTES:
        return _failed(StatementFault.TOO_LONG)
    text = _decoded(data)
    if text is None:
        return _failed(StatementFault.NOT_TEXT)
    table = next((found for delimiter in _DELIMITERS if (found := _table(text, delimiter))), None)
    return _read(table) if table else _failed(StatementFault.NO_TABLE)


def _read(table: _Table) -> StatementReading:
    rows: list[StatementRow] = []
    faults: list[RowFault] = []
    for line in table.lines:
        found = (
            StatementFault.BROKEN_LINE if line.is_broken else _row(line.number, _by_column(table.columns, line.cells))
        )
        if isinstance(found, StatementRow):
            rows.append(found)
        elif line.is_broken or any(line.cells):
            faults.append(RowFault(line.number, found))
    return StatementReading(tuple(rows), tuple(faults), table.shortcode)


def _row(line: int, cells: Mapping[Column, str]) -> StatementRow | StatementFault:
    receipt = cells.get(Column.RECEIPT, "")
    if not is_receipt(receipt):
        return StatementFault.RECEIPT
    completed_at = statement_instant(cells.get(Column.COMPLETION_TIME, ""))
    if completed_at is None:
        return StatementFault.COMPLETION_TIME
    paid_in_cents = _amount(cells.get(Column.PAID_IN, ""))
    withdrawn_cents = _amount(cells.get(Column.WITHDRAWN, "").removeprefix("-"))
    if paid_in_cents is None or withdrawn_cents is None or bool(paid_in_cents) == bool(withdrawn_cents):
        return StatementFault.AMOUNT
    linked = cells.get(Column.LINKED_TRANSACTION_ID, "")
    return StatementRow(
        line,
        receipt,
        completed_at=completed_at,
        paid_in_cents=paid_in_cents,
        withdrawn_cents=withdrawn_cents,
        initiated_at=statement_instant(cells.get(Column.INITIATION_TIME, "")),
        details=cells.get(Column.DETAILS, ""),
        transaction_status=cells.get(Column.TRANSACTION_STATUS, ""),
        balance_cents=statement_cents(cells.get(Column.BALANCE, "")),
        is_balance_confirmed={"true": True, "false": False}.get(cells.get(Column.BALANCE_CONFIRMED, "").lower()),
        reason_type=cells.get(Column.REASON_TYPE, ""),
        other_party=party_of(cells.get(Column.OTHER_PARTY_INFO, "")),
        linked_receipt=linked if is_receipt(linked) else None,
        account_reference=cells.get(Column.ACCOUNT, ""),
    )


def _amount(text: str) -> int | None:
    """Return an amount of a side, 0 for an empty one; None for one that is below zero or unreadable."""
    cents = statement_cents(text) if text else 0
    return cents if cents is not None and cents >= 0 else None


def _table(text: str, delimiter: str) -> _Table | None:
    """Return the table behind its header line, None where this delimiter shows none."""
    lines = _lines(text, delimiter)
    before: list[str] = []
    for line in islice(lines, MOST_LINES_BEFORE_TABLE):
        if columns := _columns(line.cells):
            shortcode = _SHORTCODE.search("\n".join(before))
            return _Table(columns, lines, shortcode[1] if shortcode else "")
        before.append(" ".join(line.cells))
    return None


def _lines(text: str, delimiter: str) -> Iterator[_Line]:
    """Yield every line; a quote that never ends takes the rest of the file with it, as one broken line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield _Line(reader.line_num, [], is_broken=True)
        else:
            yield _Line(reader.line_num, [plain(cell) for cell in cells])


def _columns(cells: list[str]) -> Mapping[Column, int]:
    """Return where each known column stands, empty where the line is no header; of two of a name the first counts."""
    found: dict[Column, int] = {}
    for place, cell in enumerate(cells):
        column = _NAMES.get(_NOT_IN_NAMES.sub("", cell.lower()))
        if column is not None:
            found.setdefault(column, place)
    return found if set(found) >= _NEEDED and set(found) & _AMOUNTS else {}


def _by_column(columns: Mapping[Column, int], cells: list[str]) -> Mapping[Column, str]:
    return {column: cells[place] for column, place in columns.items() if place < len(cells)}


def _decoded(data: bytes) -> str | None:
    is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if is_wide else ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _failed(fault: StatementFault) -> StatementReading:
    return StatementReading(faults=(RowFault(0, fault),))
