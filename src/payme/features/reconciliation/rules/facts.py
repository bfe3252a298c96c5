"""What the sources said of one day, as values; amounts are cents with their sign. No database, no clock."""

from datetime import datetime
from typing import Final
from uuid import UUID

from payme.features.reconciliation.enums import Account, RowKind, RowState
from payme.kit.values import value

CASH_VARIANCE: Final = "cash.variance"
SHIFT_VARIANCE: Final = "shift.variance"
STATEMENT_FEE: Final = "statement.fee"


@value
class Movement:
    """What one posting did to one account."""

    cause: UUID
    kind: str
    account: Account
    amount_cents: int
    occurred_at: datetime


@value
class Document:
    """A payment, a row of the tray, a payout or a write-off, as payments tells of it.

    `held_cents` is what it holds for its purpose, `gross_cents` what M-Pesa moved under its receipt. It happened between
    `began_at` and `ended_at`.
    """

    id: UUID
    kind: str
    method: str
    state: str
    amount_cents: int
    held_cents: int
    gross_cents: int
    confirmed_cents: int | None
    excess_cents: int
    settlement: str | None
    verdict: str | None
    purpose: str | None
    purpose_id: UUID | None
    receipt: str | None
    shortcode: str | None
    made_by: UUID | None
    began_at: datetime
    ended_at: datetime | None


@value
class Sold:
    """A completed sale, and what it says was paid for it."""

    id: UUID
    paid_cents: int
    sold_by: UUID


@value
class Refund:
    """What a refund or a void says went back."""

    kind: str
    amount_cents: int


@value
class StatementFact:
    """A row of an uploaded statement; paid in is above zero."""

    id: UUID
    receipt: str
    kind: RowKind
    state: RowState
    amount_cents: int
    completed_at: datetime
    uploaded_by: UUID


@value
class Stretch:
    """Two instants between which a statement shows everything of some short codes."""

    shortcode: str
    first_at: datetime
    last_at: datetime


@value
class Count:
    """Cash that somebody counted for the day."""

    id: UUID
    counted_cents: int
    float_cents: int
    counted_by: UUID
    posted_cents: int

    @property
    def takings_cents(self) -> int:
        """What was counted beyond what had lain in the drawers before."""
        return self.counted_cents - self.float_cents


@value
class InDoubt:
    """A payment of the day whose end is not known."""

    payment_id: UUID
    amount_cents: int


@value
class Sources:
    """Everything that was said of a day."""

    movements: tuple[Movement, ...]
    documents: dict[UUID, Document]
    of_day: tuple[Document, ...]
    booked: frozenset[UUID]
    sales: tuple[Sold, ...]
    applied_cents: dict[UUID, int]
    refunds: dict[UUID, Refund]
    drawer_cents: dict[tuple[UUID, str], int]
    rows: tuple[StatementFact, ...]
    by_receipt: dict[str, Document]
    covered: tuple[Stretch, ...]
    count: Count | None
    in_doubt: tuple[InDoubt, ...]
