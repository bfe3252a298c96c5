"""What differs between the sources of a day, each difference by name. No database, no clock."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from payme.features.reconciliation.enums import Account, DifferenceKind, RowKind, RowState
from payme.features.reconciliation.rules.facts import (
    CASH_VARIANCE,
    SHIFT_VARIANCE,
    Document,
    Sources,
    StatementFact,
    Stretch,
)
from payme.features.reconciliation.rules.movements import documented_cents, has_document, is_known
from payme.kit.values import value

_OF_VERDICT: Final = {
    "waiting": DifferenceKind.CLAIM_WAITING,
    "declared": DifferenceKind.CLAIM_DECLARED,
    "not_found": DifferenceKind.CLAIM_NOT_FOUND,
    "amount_differs": DifferenceKind.CLAIM_DIFFERS,
    "already_used": DifferenceKind.CLAIM_USED,
}
_COUNTED_ON: Final = {
    "cash": Account.CASH,
    "card_recorded": Account.CARD,
    "credit_note": Account.CREDIT_NOTES,
}
_VARIANCES: Final = frozenset({CASH_VARIANCE, SHIFT_VARIANCE})
_ARRIVES: Final = frozenset({"payment.received", "payment.unclaimed", "payment.matched"})
_LEAVES: Final = frozenset({RowKind.TRANSFER, RowKind.OTHER})


@value
class Found:
    """A difference, in cents: above zero where money is there that should not be, below where it is missing.

    `made_by` is whose doing it is; None is whoever asked for the run. `is_brought_in`: it went by itself, as the money came in.
    """

    kind: DifferenceKind
    account: Account
    subject_id: UUID
    amount_cents: int
    receipt: str | None = None
    made_by: UUID | None = None
    is_brought_in: bool = False


def findings(sources: Sources, day_id: UUID) -> list[Found]:
    """Return every difference of a day, in a fixed order; `day_id` names the day itself, where nothing else is meant."""
    return [
        *_in_books(sources),
        *_in_sales(sources),
        *_in_cash(sources, day_id),
        *_in_claims(sources),
        *_in_tray(sources),
        *_in_payouts(sources),
        *_in_doubt(sources),
        *_in_statement(sources),
        *_not_in_statement(sources),
    ]


def expected_takings_cents(sources: Sources) -> int:
    """Return the cash that the books say the day brought, in cents; what a difference has posted is no takings."""
    return sum(
        each.amount_cents for each in sources.movements if each.account is Account.CASH and each.kind not in _VARIANCES
    )


def arrived_cents(sources: Sources) -> int:
    """Return the M-Pesa money that the books say the day brought, a cashier's word included, in cents; each shilling once."""
    return sum(
        each.amount_cents
        for each in sources.movements
        if (each.account is Account.MPESA and each.kind in _ARRIVES)
        or (each.account is Account.MPESA_TO_CONFIRM and each.kind == "payment.held")
    )


def _in_books(sources: Sources) -> Iterator[Found]:
    for each in sources.movements:
        if not is_known(each.kind) or not has_document(sources, each):
            yield Found(DifferenceKind.POSTING_UNEXPLAINED, each.account, each.cause, each.amount_cents)
            continue
        says = documented_cents(sources, each)
        if says is not None and says != each.amount_cents:
            yield Found(DifferenceKind.BOOKS_DIFFER, each.account, each.cause, each.amount_cents - says)
    for document in sources.of_day:
        if document.id not in sources.booked and not _is_booked_elsewhere(document):
            account = _COUNTED_ON.get(document.method, Account.MPESA)
            yield Found(
                DifferenceKind.NOT_BOOKED, account, document.id, -document.amount_cents, document.receipt, document.made_by
            )  # fmt: skip


def _is_booked_elsewhere(document: Document) -> bool:
    # A disputed amount is booked under its payment, a refund's payout by its refund.
    return (document.kind == "payout" and document.purpose == "refund") or (
        document.kind == "tray" and document.method == "overpaid"
    )


def _in_sales(sources: Sources) -> Iterator[Found]:
    for sale in sources.sales:
        applied = sources.applied_cents.get(sale.id, 0)
        if applied != sale.paid_cents:
            yield Found(
                DifferenceKind.SALE_DIFFERS, Account.CASH, sale.id, applied - sale.paid_cents, made_by=sale.sold_by
            )


def _in_cash(sources: Sources, day_id: UUID) -> Iterator[Found]:
    expected, count = expected_takings_cents(sources), sources.count
    if count is None:
        if expected:
            yield Found(DifferenceKind.CASH_NOT_COUNTED, Account.CASH, day_id, -expected)
        return
    over = count.takings_cents - expected - count.posted_cents
    if over:
        kind = DifferenceKind.CASH_OVER if over > 0 else DifferenceKind.CASH_SHORT
        yield Found(kind, Account.CASH, count.id, over, made_by=count.counted_by)


def _in_claims(sources: Sources) -> Iterator[Found]:
    written_off = {each.purpose_id for each in sources.documents.values() if _stands(each)}
    for each in sources.of_day:
        kind = _OF_VERDICT.get(each.verdict or "")
        open_cents = each.amount_cents - (each.confirmed_cents or 0)
        if kind is not None and open_cents and each.id not in written_off:
            yield Found(kind, Account.MPESA_TO_CONFIRM, each.id, -open_cents, each.receipt, each.made_by)


def _stands(document: Document) -> bool:
    return document.kind == "write_off" and document.state == "standing"


def _in_tray(sources: Sources) -> Iterator[Found]:
    for each in sources.of_day:
        if each.kind == "tray" and each.state == "unclaimed":
            yield Found(DifferenceKind.UNCLAIMED, Account.MPESA_UNCLAIMED, each.id, each.amount_cents, each.receipt)


def _in_payouts(sources: Sources) -> Iterator[Found]:
    for each in sources.of_day:
        if each.kind == "payout" and each.settlement == "displaced":
            yield Found(
                DifferenceKind.OVERPAID_OUT, Account.MPESA, each.id, -each.amount_cents, each.receipt, each.made_by
            )


def _in_doubt(sources: Sources) -> Iterator[Found]:
    for each in sources.in_doubt:
        yield Found(DifferenceKind.OUTCOME_UNKNOWN, Account.MPESA, each.payment_id, -each.amount_cents)


def _in_statement(sources: Sources) -> Iterator[Found]:
    for row in sources.rows:
        if row.kind == RowKind.FEE:
            continue
        document = sources.by_receipt.get(row.receipt)
        if row.kind in _LEAVES:
            yield _of_row(DifferenceKind.MOVED_ELSEWHERE, row, row.amount_cents)
        elif row.state is RowState.BROUGHT_IN or document is None:
            yield _of_row(DifferenceKind.MISSING_WITH_US, row, row.amount_cents)
        elif document.gross_cents and document.gross_cents != row.amount_cents:
            yield _of_row(DifferenceKind.AMOUNT_DIFFERS, row, row.amount_cents - document.gross_cents)


def _of_row(kind: DifferenceKind, row: StatementFact, amount_cents: int) -> Found:
    is_brought_in = kind is DifferenceKind.MISSING_WITH_US and row.state is RowState.BROUGHT_IN
    return Found(kind, Account.MPESA, row.id, amount_cents, row.receipt, row.uploaded_by, is_brought_in)


def _not_in_statement(sources: Sources) -> Iterator[Found]:
    shown = {row.receipt for row in sources.rows}
    for each in sources.of_day:
        if each.receipt is None or each.receipt in shown or not each.gross_cents or each.method == "mpesa_c2b":
            continue
        if any(covers(stretch, each) for stretch in sources.covered):
            yield Found(
                DifferenceKind.MISSING_AT_MPESA, Account.MPESA, each.id, -each.gross_cents, each.receipt, each.made_by
            )  # fmt: skip


def covers(stretch: Stretch, document: Document) -> bool:
    """Say whether a statement must show a document: all the time in which it can have happened lies within it."""
    if document.ended_at is None or document.shortcode != stretch.shortcode:
        return False
    return stretch.first_at <= document.began_at and document.ended_at <= stretch.last_at
