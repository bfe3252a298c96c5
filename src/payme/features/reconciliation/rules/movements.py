"""What the documents say of a posting, and the lines of a day: one for each movement of money on each account.

A source that says nothing of a line is None there, which is not the same as nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from payme.features.reconciliation.enums import Account, RowKind
from payme.features.reconciliation.rules.facts import (
    CASH_VARIANCE,
    SHIFT_VARIANCE,
    STATEMENT_FEE,
    Document,
    Movement,
    Refund,
    Sources,
    StatementFact,
)
from payme.kit.values import value

_OF_REFUND: Final = frozenset({"refund.cash", "refund.card", "refund.mpesa", "refund.credit_note"})
_OURS: Final = frozenset({CASH_VARIANCE, STATEMENT_FEE})
_OF_DRAWER: Final = frozenset(
    {"drawer.in", "drawer.out", SHIFT_VARIANCE, "credit.repaid", "expense.spent", "expense.paid", "expense.returned"}
)
_WITHOUT_FIGURE: Final = frozenset({"payment.missing"})
_SOLD_BY: Final = frozenset({"sale.payment", "payment.received", "payment.held"})
_MOVES_RECEIPT: Final = frozenset({RowKind.PAYMENT, RowKind.PAYOUT, RowKind.REVERSAL})


@value
class Line:
    """One movement on one account, in cents, by each source that speaks of it."""

    account: Account
    kind: str
    subject_id: UUID
    occurred_at: datetime
    receipt: str | None
    sales_cents: int | None
    documents_cents: int | None
    ledger_cents: int | None
    statement_cents: int | None


def _in(document: Document, _account: Account) -> int:
    return document.held_cents


def _out(document: Document, _account: Account) -> int:
    return -document.held_cents


def _confirmed(document: Document, account: Account) -> int:
    confirmed = document.confirmed_cents or 0
    return confirmed if account is Account.MPESA else -confirmed


def _into_tray(document: Document, account: Account) -> int:
    return -document.amount_cents if account is Account.MPESA_UNCLAIMED else document.amount_cents


def _out_of_tray(document: Document, account: Account) -> int:
    return -_into_tray(document, account)


def _paid_out(document: Document, account: Account) -> int:
    return -document.amount_cents if account is Account.MPESA else document.amount_cents


_SAYS: Final[Mapping[str, Callable[[Document, Account], int]]] = MappingProxyType(
    {
        "sale.payment": _in,
        "payment.held": _in,
        "payment.received": _in,
        "payment.returned": _out,
        "payment.confirmed": _confirmed,
        "payment.unclaimed": _into_tray,
        "payment.matched": _out_of_tray,
        "payout.sent": _paid_out,
        "claim.written_off": _out,
        "claim.write_off_undone": _in,
    }
)


def is_known(kind: str) -> bool:
    """Say whether a kind of posting on a money account has a document that explains it."""
    return kind in _SAYS or kind in _OF_REFUND or kind in _OURS or kind in _OF_DRAWER or kind in _WITHOUT_FIGURE


def documented_cents(sources: Sources, movement: Movement) -> int | None:
    """Return what the document of a posting says it moves on this account; None where there is none, or it cannot say."""
    kind = movement.kind
    if kind in _OURS:
        return movement.amount_cents
    if kind in _OF_DRAWER:
        return sources.drawer_cents.get((movement.cause, kind))
    if kind in _OF_REFUND:
        refund = sources.refunds.get(movement.cause)
        return _left_for(sources, movement, refund) if refund else None
    document = sources.documents.get(movement.cause)
    says = _SAYS.get(kind)
    return says(document, movement.account) if document and says else None


def _left_for(sources: Sources, movement: Movement, refund: Refund) -> int:
    """Return what a refund leaves for one movement, the others given; a void gives each part back the way it came."""
    others = sum(each.amount_cents for each in sources.movements if each.cause == movement.cause)
    return -refund.amount_cents - (others - movement.amount_cents)


def has_document(sources: Sources, movement: Movement) -> bool:
    """Say whether what caused a posting is there."""
    if movement.kind in _OF_DRAWER:
        return (movement.cause, movement.kind) in sources.drawer_cents
    return movement.kind in _OURS or movement.cause in sources.documents or movement.cause in sources.refunds


def lines_of(sources: Sources) -> list[Line]:
    """Return a line for each movement of the day, then one for each row of a statement that no movement shows, in time's order."""
    shown: dict[str, list[StatementFact]] = {}
    for row in sources.rows:
        if row.kind in _MOVES_RECEIPT:
            shown.setdefault(row.receipt, []).append(row)
    fees = {row.id: row for row in sources.rows if row.kind == RowKind.FEE}
    lines = [_line(sources, each, shown=shown, fees=fees) for each in sources.movements]
    told = {line.receipt for line in lines if line.account is Account.MPESA}
    booked = {line.subject_id for line in lines}
    lines += [
        Line(Account.MPESA, f"statement.{row.kind}", row.id, row.completed_at, row.receipt, None, None, None, row.amount_cents)
        for row in sources.rows
        if row.id not in booked and (row.kind not in _MOVES_RECEIPT or row.receipt not in told)
    ]  # fmt: skip
    return sorted(lines, key=lambda line: (line.occurred_at, line.subject_id, line.kind, line.account))


def _line(
    sources: Sources,
    movement: Movement,
    *,
    shown: Mapping[str, list[StatementFact]],
    fees: Mapping[UUID, StatementFact],
) -> Line:
    document = sources.documents.get(movement.cause)
    receipt, statement_cents = (document.receipt if document else None), None
    if movement.account is Account.MPESA:
        fee = fees.get(movement.cause)
        receipt = fee.receipt if fee else receipt
        rows = [fee] if fee else shown.get(receipt or "", [])
        statement_cents = sum(row.amount_cents for row in rows) if rows else None
    return Line(
        movement.account, movement.kind, movement.cause, movement.occurred_at, receipt,
        _sold_cents(sources, movement, document), documented_cents(sources, movement), movement.amount_cents, statement_cents,
    )  # fmt: skip


def _sold_cents(sources: Sources, movement: Movement, document: Document | None) -> int | None:
    refund = sources.refunds.get(movement.cause)
    if refund is not None:
        return -refund.amount_cents if refund.kind == "refund" else movement.amount_cents
    if document is None or document.purpose != "sale" or movement.kind not in _SOLD_BY:
        return None
    return document.held_cents - document.excess_cents if document.settlement == "applied" else 0


def total_of(lines: Iterable[Line], pick: Callable[[Line], int | None]) -> int:
    """Return the sum of what one source says, in cents."""
    return sum(pick(line) or 0 for line in lines)
