"""Commands of expenses, and the view of one. Money is in cents."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from payme.features.expenses.enums import ExpenseCategory, ExpenseMethod, ExpenseState
from payme.kit.ids import ClientId
from payme.kit.texts import Filled

_ID = "01936f0e-8d20-7000-8000-000000000001"
_PERSON = "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14"
PositiveAmount = Annotated[int, Field(gt=0, le=1_000_000_000_000)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Reason = Annotated[Filled, StringConstraints(max_length=200)]


class RecordExpense(BaseModel):
    """Money that the shop spends. Cash with a shift has left its drawer; anything else is still to be paid."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"category": "transportation", "amount_cents": 30000, "method": "cash", "note": "Boda boda from the market"}
            ]
        }
    )  # fmt: skip

    id: ClientId | None = None
    category: ExpenseCategory
    amount_cents: PositiveAmount
    method: ExpenseMethod
    payee: Text = ""
    note: Text = ""
    spent_on: date | None = Field(default=None, description="Today in Nairobi, where none is given.")
    shift_id: UUID | None = Field(default=None, description="In which shift; cash with one came out of its drawer.")


class PayExpense(BaseModel):
    """Say that an approved expense was paid."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reference": "CHQ 000123"}]})

    reference: Text = ""
    shift_id: UUID | None = Field(default=None, description="From whose drawer cash came.")


class CancelExpense(BaseModel):
    """Say why an expense is none; cash that came out of a drawer goes back into it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Entered twice"}]})

    reason: Reason


class ExpenseView(BaseModel):
    """An expense. `review` names what is odd about it, where a till told of it afterwards."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": _ID, "category": "transportation", "amount_cents": 30000, "method": "cash", "payee": "",
                 "note": "Boda boda from the market", "spent_on": "2026-11-20", "is_from_drawer": True, "state": "recorded",
                 "recorded_by": _PERSON, "recorded_at": "2026-11-20T08:15:00Z",
                 "tokens": {"charged": 1, "balance": 28, "available": 28}, "review": [], "currency": "KES", "rev": 1}
            ]
        }
    )  # fmt: skip

    id: UUID
    category: ExpenseCategory
    amount_cents: int
    method: ExpenseMethod
    payee: str
    note: str
    spent_on: date
    shift_id: UUID | None = None
    is_from_drawer: bool
    state: ExpenseState
    recorded_by: UUID
    recorded_at: datetime
    verified_by: UUID | None = None
    approved_by: UUID | None = None
    paid_by: UUID | None = None
    paid_at: datetime | None = None
    paid_reference: str = ""
    cancelled_by: UUID | None = None
    cancel_reason: str = ""
    tokens: dict[str, int] | None = None
    review: list[str]
    currency: str = "KES"
    rev: int = 1
