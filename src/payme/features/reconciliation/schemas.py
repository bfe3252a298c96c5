"""Commands and views of reconciliation. Money is in cents."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from payme.features.reconciliation.enums import (
    Account,
    DayState,
    DifferenceKind,
    DifferenceState,
    Reason,
    RowKind,
    RowState,
)

_ID = "01936f0e-8d11-7c60-8f1e-5e2f7c9a4d10"
LARGEST_CENTS = 100_000_000_000
ClosingReason = Literal[
    "miscounted", "wrong_change", "taken_out", "lost", "seen_elsewhere", "entered_twice", "late_at_mpesa", "own_transfer",
    "written_off", "other",
]  # fmt: skip


class RunDay(BaseModel):
    """Reconcile a business day, and count its cash with it where the count is given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"date": "2026-11-21", "counted_cash_cents": 1_250_000}]})

    date: date
    counted_cash_cents: int | None = Field(
        default=None,
        ge=0,
        le=LARGEST_CENTS,
        description="All that lies in the drawers; takes the permission to count. What lay there before the first sale stays as it"
        " was said with the count before.",
    )


class CountCash(BaseModel):
    """Say what lies in the drawers at the end of a day."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"counted_cash_cents": 1_250_000, "float_cents": 200_000, "note": "Two drawers"}]
        }
    )

    counted_cash_cents: int = Field(ge=0, le=LARGEST_CENTS, description="All that lies in the drawers.")
    float_cents: int = Field(
        default=0, ge=0, le=LARGEST_CENTS, description="What lay in them before the first sale of the day."
    )
    note: str = Field(default="", max_length=200)


class CloseDifference(BaseModel):
    """Say why a difference is none any more, and show that it is you: by your PIN in this business or your password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "wrong_change", "note": "Gave 200 too much", "proof": "482916"}]}
    )

    reason: ClosingReason
    note: str = Field(default="", max_length=200)
    proof: SecretStr = Field(min_length=4, max_length=1024)


class CashCountView(BaseModel):
    """Counted cash. What the books expect is not shown: whoever counts, counts blind."""

    date: date
    counted_cash_cents: int
    float_cents: int
    note: str
    counted_by: UUID
    counted_at: datetime
    rev: int


class TotalView(BaseModel):
    """One account of money on one day, by each source; null where a source does not speak of it."""

    account: Account
    sales_cents: int
    documents_cents: int = Field(description="By payments, payouts and the tray.")
    ledger_cents: int
    statement_cents: int | None = None
    counted_cents: int | None = Field(default=None, description="Counted cash beyond the float.")
    lines: int


class SumView(BaseModel):
    """All evidence of money ever received by a short code, and where it stands."""

    shortcode: str
    received_cents: int
    applied_cents: int
    unclaimed_cents: int
    returned_cents: int
    is_whole: bool = Field(description="Received is applied, unclaimed and returned together.")


class DifferenceView(BaseModel):
    """What does not fit together, by name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID, "reconciliation_id": "01936f0e-8d11-7c60-8f1e-5e2f7c9a4d11", "kind": "cash_short", "account": "cash",
                    "subject_id": "01936f0e-8d11-7c60-8f1e-5e2f7c9a4d12", "amount_cents": -20000, "receipt": None,
                    "sentence": "Less cash was counted than the books expect.",
                    "sentence_sw": "Pesa taslimu zilizohesabiwa ni pungufu kuliko vitabu vinavyotarajia.",
                    "state": "needs_closing", "made_by": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14", "found_at": "2026-11-21T21:40:00Z",
                    "reason": None, "note": "", "closed_by": None, "ended_at": None, "rev": 1,
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    reconciliation_id: UUID
    kind: DifferenceKind
    account: Account
    subject_id: UUID
    amount_cents: int = Field(description="Above zero: there is too much; below: something is missing.")
    receipt: str | None = None
    sentence: str
    sentence_sw: str = Field(description="The same in Swahili.")
    state: DifferenceState
    made_by: UUID
    found_at: datetime
    reason: Reason | None = None
    note: str = ""
    closed_by: UUID | None = None
    ended_at: datetime | None = None
    rev: int = 1


class ReconciliationRow(BaseModel):
    """One reconciled day in a list."""

    id: UUID
    date: date
    state: DayState
    run: int
    finished_at: datetime
    open_differences: int
    needs_closing: int
    open_cents: int = Field(description="What the open differences come to, whichever way each goes.")
    rev: int


class ReconciliationView(BaseModel):
    """A reconciled day: totals by source side by side, where all evidence went, and how much is open."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID, "date": "2026-11-21", "run": 1, "starts_at": "2026-11-20T21:00:00Z", "ends_at": "2026-11-21T21:00:00Z",
                    "requested_by": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14", "finished_at": "2026-11-21T21:40:00Z",
                    "verdict": "Every shilling is accounted for.", "verdict_sw": "Kila shilingi imehesabiwa.", "is_accounted_for": True,
                    "totals": [], "sums": [], "open_differences": 0, "needs_closing": 0, "open_cents": 0, "rev": 1,
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    date: date
    run: int
    starts_at: datetime
    ends_at: datetime
    requested_by: UUID
    finished_at: datetime
    verdict: str = Field(description="Whether every shilling is accounted for, in a sentence.")
    verdict_sw: str
    is_accounted_for: bool
    totals: list[TotalView]
    sums: list[SumView]
    open_differences: int
    needs_closing: int
    open_cents: int
    rev: int


class LineView(BaseModel):
    """One movement on one account, in cents, by each source that speaks of it."""

    position: int
    account: Account
    kind: str
    subject_id: UUID
    occurred_at: datetime
    receipt: str | None
    sales_cents: int | None
    documents_cents: int | None
    ledger_cents: int | None
    statement_cents: int | None


class RowFault(BaseModel):
    """A line of the file that could not be used; 0 for the file as a whole."""

    line: int
    fault: str


class UploadReport(BaseModel):
    """What was read of a statement. What nobody had told us of is brought in within the next minutes."""

    id: UUID
    shortcode: str
    first_at: datetime
    last_at: datetime
    rows_read: int
    rows_new: int = Field(description="Not in any statement before.")
    rows_faulty: int
    faults: list[RowFault]


class StatementRowView(BaseModel):
    """A row of a statement, and what became of it."""

    id: UUID
    line: int
    shortcode: str
    receipt: str
    kind: RowKind
    completed_at: datetime
    amount_cents: int
    state: RowState
