"""What an approver says, and what is shown of a request. Money is in cents."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from payme.features.approvals.enums import ApprovalKind, ApprovalState

_ID = "01936f0e-8d11-7c60-8f1e-5e2f7c9a4d10"


class Approve(BaseModel):
    """Agree, and show that it is you: by your PIN in this business or your password."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"proof": "482916", "note": "Seen the goods"}]})

    proof: SecretStr = Field(min_length=4, max_length=1024)
    note: str = Field(default="", max_length=200)


class Reject(BaseModel):
    """Say no."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "The goods are not here"}]})

    note: str = Field(default="", max_length=200)


class Approver(BaseModel):
    """Somebody who stands at the till and agrees on the spot, with their PIN."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14", "pin": "482916"}]}
    )

    user_id: UUID
    pin: SecretStr = Field(min_length=4, max_length=8)


class ApprovalView(BaseModel):
    """A request; `document` is what was asked for, as the feature that asked wrote it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID,
                    "kind": "refund",
                    "subject_id": "01936f0e-8d11-7c60-8f1e-5e2f7c9a4d11",
                    "amount_cents": 250000,
                    "reason": "Torn bag",
                    "document": {"sale_id": "01936f0e-8d11-7c60-8f1e-5e2f7c9a4d12", "method": "cash"},
                    "state": "requested",
                    "requested_by": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14",
                    "requested_at": "2026-11-22T08:15:00Z",
                    "expires_at": "2026-11-23T08:15:00Z",
                    "decided_by": None,
                    "decided_at": None,
                    "note": "",
                    "rev": 1,
                }
            ]
        }
    )

    id: UUID
    kind: ApprovalKind
    subject_id: UUID
    amount_cents: int
    reason: str
    document: dict[str, Any]
    state: ApprovalState
    requested_by: UUID
    requested_at: datetime
    expires_at: datetime
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    note: str = ""
    rev: int = 1
