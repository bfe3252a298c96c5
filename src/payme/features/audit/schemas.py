"""What the audit log shows: an entry, a sealing, the result of a verification."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

FaultKind = Literal["altered", "missing", "gap", "slipped_in", "head_absent"]


class AuditEntry(BaseModel):
    """One thing that somebody did."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "01932f6e-7c1f-7b0a-8d7e-0a5b5a1c2d3e",
                "actor_kind": "user",
                "actor_id": "01932f6e-7c1f-7b0a-8d7e-0a5b5a1c2d40",
                "action": "sale.completed",
                "subject_id": "01932f6e-7c1f-7b0a-8d7e-0a5b5a1c2d41",
                "facts": {"total_cents": 30000},
                "recorded_at": "2026-11-22T08:15:00Z",
            }
        }
    )

    id: UUID
    actor_kind: str
    actor_id: UUID
    action: str
    subject_id: UUID
    facts: dict[str, Any]
    recorded_at: datetime


class Sealing(BaseModel):
    """What one run of the sealer added to a chain, and where the chain ends now; `head` is hexadecimal."""

    business_id: UUID
    sealed: int
    position: int
    head: str


class Fault(BaseModel):
    """One place where log and chain do not agree; `position` is 0 where no place in the chain can be named."""

    kind: FaultKind
    position: int = 0
    detail: str


class Verification(BaseModel):
    """What a walk along a business's whole chain found."""

    business_id: UUID
    sealed: int
    waiting: int = Field(description="Rows that the sealer has not reached yet")
    head: str
    compared: int = Field(0, description="Heads noted outside that the chain was held against")
    faults: list[Fault] = Field(default_factory=list[Fault])

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.faults
