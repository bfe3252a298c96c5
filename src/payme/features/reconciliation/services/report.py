"""The report of a day, "Every shilling accounted for": as a table for spreadsheets, and as the figures of a document.

Both show the last run, and the differences as they stand now. The same figures are the same bytes.
"""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

from payme.features import businesses, identity
from payme.features.reconciliation.enums import DifferenceState
from payme.features.reconciliation.rules.wording import ACCOUNTS, STATES, reason_text
from payme.features.reconciliation.schemas import DifferenceView, LineView, ReconciliationView, SumView, TotalView
from payme.features.reconciliation.services.read_runs import list_differences, list_lines, show_run
from payme.kit.money import shillings_text
from payme.kit.spreadsheets import harmless
from payme.kit.time import NAIROBI
from payme.runtime.database import UnitOfWork

TITLE: Final = "Every shilling accounted for"
TEMPLATE: Final = "reconciliation"
MOST_SET: Final = 500
"""Differences in the document; the table has all of them."""
_PAGE: Final = 1000
_NOTHING: Final = "–"
_COLUMNS: Final = (
    "row", "account", "what", "subject", "at", "receipt", "sales", "documents", "books", "statement", "counted", "difference",
    "state", "reason", "closed_by", "note",
)  # fmt: skip
_TONES: Final = {
    DifferenceState.WITHIN_THRESHOLD: "warn",
    DifferenceState.NEEDS_CLOSING: "bad",
    DifferenceState.CLOSED: "good",
    DifferenceState.RESOLVED: "good",
}


async def write_csv(uow: UnitOfWork, reconciliation_id: UUID) -> str:
    """Return totals, differences and every line of a day as one CSV table, amounts in shillings. Raises: ReconciliationNotFound."""
    view = await show_run(uow, reconciliation_id)
    names: dict[UUID, str] = {}
    file = io.StringIO(newline="")
    writer: csv.DictWriter[str] = csv.DictWriter(file, _COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(_total_cells(total) for total in view.totals)
    async for difference in _every_difference(uow, reconciliation_id):
        writer.writerow(_difference_cells(difference, await _closer(uow, difference, names)))
    async for line in _every_line(uow, reconciliation_id):
        writer.writerow(_line_cells(line))
    return file.getvalue()


async def document_data(uow: UnitOfWork, reconciliation_id: UUID) -> dict[str, Any]:
    """Return everything that the document shows, written out. Raises: ReconciliationNotFound."""
    view = await show_run(uow, reconciliation_id)
    business = await businesses.get_business(uow)
    found = await list_differences(uow, reconciliation_id, None, state=None, limit=MOST_SET + 1)
    names: dict[UUID, str] = {}
    begins = view.starts_at.astimezone(NAIROBI).strftime("%H:%M")
    made = view.finished_at.astimezone(NAIROBI).strftime("%d %b %Y %H:%M")
    return {
        "title": TITLE,
        "business": business.name,
        "day": view.date.strftime("%d %b %Y"),
        "day_long": view.date.strftime("%A, %d %B %Y"),
        "bounds": f"from {begins} to {begins} the day after, Nairobi time",
        "made": f"run {view.run}, {made} EAT",
        "verdict": view.verdict,
        "verdict_sw": view.verdict_sw,
        "tone": _tone(view),
        "totals": [_set_total(total) for total in view.totals],
        "sums": [_set_sum(each) for each in view.sums],
        "differences": [_set_difference(each, await _closer(uow, each, names)) for each in found[:MOST_SET]],
        "left_out": f"Only the first {MOST_SET} are shown; the CSV has all." if len(found) > MOST_SET else "",
    }


def _tone(view: ReconciliationView) -> str:
    if view.is_accounted_for:
        return "good"
    return "bad" if view.needs_closing or not all(each.is_whole for each in view.sums) else "warn"


def _amount(cents: int | None) -> str:
    return _NOTHING if cents is None else shillings_text(cents)


def _set_total(total: TotalView) -> dict[str, str]:
    return {
        "name": ACCOUNTS[total.account], "sales": _amount(total.sales_cents), "documents": _amount(total.documents_cents),
        "ledger": _amount(total.ledger_cents), "statement": _amount(total.statement_cents),
        "counted": _amount(total.counted_cents),
    }  # fmt: skip


def _set_sum(each: SumView) -> dict[str, Any]:
    missing_cents = each.received_cents - each.applied_cents - each.unclaimed_cents - each.returned_cents
    return {
        "shortcode": each.shortcode, "received": _amount(each.received_cents), "applied": _amount(each.applied_cents),
        "unclaimed": _amount(each.unclaimed_cents), "returned": _amount(each.returned_cents), "is_whole": each.is_whole,
        "missing": f"{_amount(missing_cents)} off",
    }  # fmt: skip


def _set_difference(difference: DifferenceView, closer: str) -> dict[str, str]:
    about = [ACCOUNTS[difference.account], *([difference.receipt] if difference.receipt else [])]
    return {
        "sentence": difference.sentence, "about": " · ".join(about), "amount": _amount(difference.amount_cents),
        "state": STATES[difference.state], "tone": _TONES[difference.state], "ended": _ended(difference, closer),
    }  # fmt: skip


def _ended(difference: DifferenceView, closer: str) -> str:
    if difference.ended_at is None or difference.reason is None:
        return ""
    on = difference.ended_at.astimezone(NAIROBI).strftime("%d %b %Y")
    said = f"{reason_text(difference.reason)}. {difference.note}".rstrip(". ")
    return f"{closer}, {on}: {said}" if closer else f"{on}: {said}"


async def _closer(uow: UnitOfWork, difference: DifferenceView, names: dict[UUID, str]) -> str:
    """Return who closed a difference, by name; empty where nobody did."""
    person = difference.closed_by
    if person is None:
        return ""
    if person not in names:
        try:
            names[person] = (await identity.get_member(uow, person)).display_name
        except identity.MemberNotFound:
            names[person] = str(person)
    return names[person]


async def _every_difference(uow: UnitOfWork, reconciliation_id: UUID) -> AsyncIterator[DifferenceView]:
    after: list[Any] | None = None
    while page := await list_differences(uow, reconciliation_id, after, state=None, limit=_PAGE):
        for each in page:
            yield each
        after = [str(page[-1].id)]


async def _every_line(uow: UnitOfWork, reconciliation_id: UUID) -> AsyncIterator[LineView]:
    after: list[Any] | None = None
    while page := await list_lines(uow, reconciliation_id, after, account=None, limit=_PAGE):
        for each in page:
            yield each
        after = [page[-1].position]


def _cell(cents: int | None) -> str:
    return "" if cents is None else shillings_text(cents).replace(",", "").replace("−", "-")


def _total_cells(total: TotalView) -> dict[str, str]:
    return {
        "row": "total", "account": total.account, "sales": _cell(total.sales_cents), "documents": _cell(total.documents_cents),
        "books": _cell(total.ledger_cents), "statement": _cell(total.statement_cents), "counted": _cell(total.counted_cents),
    }  # fmt: skip


def _difference_cells(difference: DifferenceView, closer: str) -> dict[str, str]:
    return {
        "row": "difference", "account": difference.account, "what": difference.kind, "subject": str(difference.subject_id),
        "at": difference.found_at.isoformat(), "receipt": harmless(difference.receipt or ""),
        "difference": _cell(difference.amount_cents), "state": difference.state, "reason": difference.reason or "",
        "closed_by": harmless(closer), "note": harmless(difference.note),
    }  # fmt: skip


def _line_cells(line: LineView) -> dict[str, str]:
    return {
        "row": "line", "account": line.account, "what": line.kind, "subject": str(line.subject_id),
        "at": line.occurred_at.isoformat(), "receipt": harmless(line.receipt or ""), "sales": _cell(line.sales_cents),
        "documents": _cell(line.documents_cents), "books": _cell(line.ledger_cents), "statement": _cell(line.statement_cents),
    }  # fmt: skip
