"""The words of reconciliation; each has its CHECK in the schema."""

from enum import StrEnum


class DifferenceKind(StrEnum):
    """What does not fit together."""

    SALE_DIFFERS = "sale_differs"
    NOT_BOOKED = "not_booked"
    BOOKS_DIFFER = "books_differ"
    POSTING_UNEXPLAINED = "posting_unexplained"
    CASH_SHORT = "cash_short"
    CASH_OVER = "cash_over"
    CASH_NOT_COUNTED = "cash_not_counted"
    CLAIM_WAITING = "claim_waiting"
    CLAIM_DECLARED = "claim_declared"
    CLAIM_NOT_FOUND = "claim_not_found"
    CLAIM_DIFFERS = "claim_differs"
    CLAIM_USED = "claim_used"
    OUTCOME_UNKNOWN = "outcome_unknown"
    UNCLAIMED = "unclaimed"
    MISSING_WITH_US = "missing_with_us"
    MISSING_AT_MPESA = "missing_at_mpesa"
    AMOUNT_DIFFERS = "amount_differs"
    MOVED_ELSEWHERE = "moved_elsewhere"
    OVERPAID_OUT = "overpaid_out"


CASH_VARIANCES = frozenset({DifferenceKind.CASH_SHORT, DifferenceKind.CASH_OVER})
CLAIMS = frozenset(
    {
        DifferenceKind.CLAIM_WAITING,
        DifferenceKind.CLAIM_DECLARED,
        DifferenceKind.CLAIM_NOT_FOUND,
        DifferenceKind.CLAIM_DIFFERS,
        DifferenceKind.CLAIM_USED,
    }
)
OF_BOOKS = frozenset(
    {
        DifferenceKind.SALE_DIFFERS,
        DifferenceKind.NOT_BOOKED,
        DifferenceKind.BOOKS_DIFFER,
        DifferenceKind.POSTING_UNEXPLAINED,
    }
)
"""Ours alone; no threshold forgives them."""


class DayState(StrEnum):
    """Whether every shilling of a reconciled day is accounted for, small differences included."""

    OPEN = "open"
    ACCOUNTED_FOR = "accounted_for"


class DifferenceState(StrEnum):
    """Where a difference stands. A person closes it; what goes away by itself is resolved."""

    WITHIN_THRESHOLD = "within_threshold"
    NEEDS_CLOSING = "needs_closing"
    CLOSED = "closed"
    RESOLVED = "resolved"


OPEN_STATES = frozenset({DifferenceState.WITHIN_THRESHOLD, DifferenceState.NEEDS_CLOSING})


class Reason(StrEnum):
    """Why a difference is no longer one. The last two are said by the system."""

    MISCOUNTED = "miscounted"
    WRONG_CHANGE = "wrong_change"
    TAKEN_OUT = "taken_out"
    LOST = "lost"
    SEEN_ELSEWHERE = "seen_elsewhere"
    ENTERED_TWICE = "entered_twice"
    LATE_AT_MPESA = "late_at_mpesa"
    OWN_TRANSFER = "own_transfer"
    WRITTEN_OFF = "written_off"
    OTHER = "other"
    BROUGHT_IN = "brought_in"
    SETTLED = "settled"


class RowKind(StrEnum):
    """What a row of a statement is about."""

    PAYMENT = "payment"
    PAYOUT = "payout"
    REVERSAL = "reversal"
    FEE = "fee"
    TRANSFER = "transfer"
    OTHER = "other"


class RowState(StrEnum):
    """What became of a row of a statement: waiting to be taken in, known to us before, brought in by it, booked as a fee, kept."""

    WAITING = "waiting"
    KNOWN = "known"
    BROUGHT_IN = "brought_in"
    BOOKED = "booked"
    KEPT = "kept"


class Account(StrEnum):
    """The accounts of money, and of what pays like it, that a day is reconciled by, under the ledger's codes."""

    CASH = "cash"
    CARD = "card"
    MPESA = "mpesa"
    MPESA_TO_CONFIRM = "mpesa_to_confirm"
    MPESA_UNCLAIMED = "mpesa_unclaimed"
    CREDIT_NOTES = "credit_notes"
