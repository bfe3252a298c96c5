"""Views of credit notes."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

CreditNoteKey = Annotated[str, StringConstraints(max_length=40)]
_EXAMPLE: dict[str, JsonValue] = {
    "id": "01936f0e-8d15-7000-8000-000000000001",
    "number": "CN-A1-000001",
    "branch_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b12",
    "sale_id": "01936f0e-8d11-7c60-8f1e-5e2f7c9a4d10",
    "refund_id": "01936f0e-8d14-7000-8000-000000000001",
    "amount_cents": 15000,
    "balance_cents": 5000,
    "issued_by": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14",
    "issued_at": "2026-11-20T09:15:00Z",
    "currency": "KES",
    "rev": 2,
}
_MOVEMENT: dict[str, JsonValue] = {
    "kind": "spent",
    "amount_cents": 10000,
    "payment_id": "01936f0e-8d13-7000-8000-000000000002",
    "recorded_at": "2026-11-21T09:15:00Z",
}


class CreditNoteView(BaseModel):
    """What the shop owes whoever holds the note, to be spent at the shop. It does not expire."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    number: str
    branch_id: UUID
    sale_id: UUID = Field(description="The sale whose goods came back.")
    refund_id: UUID
    amount_cents: int
    balance_cents: int = Field(description="What can still be spent.")
    issued_by: UUID
    issued_at: datetime
    currency: str = "KES"
    rev: int = 1


class CreditNoteMovement(BaseModel):
    """A payment that the note made, or its return, because the sale came to nothing or was voided."""

    kind: Literal["spent", "returned"]
    amount_cents: int
    payment_id: UUID
    recorded_at: datetime


class CreditNoteHistory(CreditNoteView):
    """A credit note with what was spent of it, the oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_EXAMPLE, "movements": [_MOVEMENT]}]})

    movements: list[CreditNoteMovement]
