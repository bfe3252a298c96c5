"""Commands of credit accounts, and the views of them. Money is in cents."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from payme.features.credit.enums import AccountState, EntryKind
from payme.kit.changes import STAYS, refuse_null
from payme.kit.ids import ClientId
from payme.kit.texts import Filled

_ID = "01936f0e-8d18-7000-8000-000000000001"
_CUSTOMER = "01936f0e-8d15-7000-8000-000000000001"
_REPAYMENT = "01936f0e-8d19-7000-8000-000000000001"
Limit = Annotated[int, Field(ge=0, le=1_000_000_000_000)]
PositiveAmount = Annotated[int, Field(gt=0, le=1_000_000_000_000)]
Days = Annotated[int, Field(ge=0, le=365)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class OpenCreditAccount(BaseModel):
    """Let a customer owe; a limit of 0 lets them owe nothing."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"customer_id": _CUSTOMER, "limit_cents": 1000000, "terms_days": 30}]}
    )

    id: ClientId | None = None
    customer_id: UUID
    limit_cents: Limit
    terms_days: Days = 30


class ChangeCreditAccount(BaseModel):
    """What to change of an account; what is absent stays. It closes at zero only."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"limit_cents": 1500000}]})

    limit_cents: Limit | None = STAYS
    terms_days: Days | None = STAYS
    state: AccountState | None = STAYS

    _refuse_null = field_validator("limit_cents", "terms_days", "state", mode="before")(refuse_null)


class RepayCredit(BaseModel):
    """Money that a customer brings for what they owe; it settles the oldest purchase first.

    `mpesa_stk` asks the phone for it, in whole shillings, and nothing is repaid before the customer has paid.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"amount_cents": 250000, "method": "cash"},
                {"amount_cents": 250000, "method": "mpesa_stk", "phone": "0712345678"},
            ]
        }
    )

    id: ClientId | None = Field(default=None, description="A prompt's repayment has the id of its payment instead.")
    amount_cents: PositiveAmount
    method: Literal["cash", "card_recorded", "mpesa_stk"] = "cash"
    phone: str = Field(default="", max_length=32, description="Whose M-Pesa is asked; only for `mpesa_stk`.")
    shift_id: UUID | None = Field(default=None, description="Into whose drawer cash goes.")
    note: Note = ""


class ClaimForAccount(BaseModel):
    """Say that money in the tray is for what a customer owes; what is more than that is paid ahead."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"unclaimed_id": _REPAYMENT}]})

    unclaimed_id: UUID


class TakeBack(BaseModel):
    """Why what was repaid by M-Pesa is taken back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Sent by somebody else"}]})

    reason: Annotated[Filled, StringConstraints(max_length=200)]


class CreditAccountView(BaseModel):
    """A credit account. `balance_cents` is what is owed; below zero, what was paid ahead.

    Who types `code` as account at the shop's paybill repays it.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": _ID, "customer_id": _CUSTOMER, "limit_cents": 1000000, "terms_days": 30, "state": "open",
                 "code": "4718350", "balance_cents": 450000, "available_cents": 550000, "created_at": "2026-11-20T08:15:00Z",
                 "updated_at": "2026-11-21T08:15:00Z", "currency": "KES", "rev": 3}
            ]
        }
    )  # fmt: skip

    id: UUID
    customer_id: UUID
    limit_cents: int
    terms_days: int
    state: AccountState
    code: str
    balance_cents: int
    available_cents: int = Field(description="What may still be bought.")
    created_at: datetime
    updated_at: datetime
    currency: str = "KES"
    rev: int = 1


class RepaymentView(BaseModel):
    """A repayment; `awaiting_payment` until M-Pesa says that its prompt was paid."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": _REPAYMENT, "credit_account_id": _ID, "amount_cents": 250000, "method": "cash", "state": "recorded", "note": "",
                 "tokens": {"charged": 1, "balance": 28, "available": 28}, "recorded_at": "2026-11-22T08:15:00Z"}
            ]
        }
    )  # fmt: skip

    id: UUID
    credit_account_id: UUID
    amount_cents: int
    method: str
    state: Literal["recorded", "awaiting_payment"] = "recorded"
    payment_id: UUID | None = Field(default=None, description="The M-Pesa payment that it is.")
    note: str = ""
    tokens: dict[str, Any] | None = None
    recorded_at: datetime


class EntryView(BaseModel):
    """A line of a statement: why the debt moved, and what it was then. `over_limit`: sold while offline, above the limit."""

    cause: UUID
    kind: EntryKind
    amount_cents: int
    balance_cents: int
    sale_id: UUID | None = None
    due_on: date | None = None
    method: str = ""
    note: str = ""
    over_limit: bool = False
    recorded_at: datetime


class OpenChargeView(BaseModel):
    """A purchase that is not settled yet."""

    sale_id: UUID
    amount_cents: int
    left_cents: int
    due_on: date
    is_overdue: bool


class StatementView(BaseModel):
    """What somebody owed and paid, line by line from a day to a day, and which purchases are not settled now."""

    account: CreditAccountView
    since: date | None
    until: date | None
    opening_cents: int
    closing_cents: int
    entries: list[EntryView]
    open_charges: list[OpenChargeView]
