"""Commands of shifts, and the views of them. Money is in cents."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from payme.features.shifts.enums import Direction, ShiftState, Variance
from payme.kit.ids import ClientId
from payme.kit.texts import Filled

_ID = "01936f0e-8d16-7000-8000-000000000001"
_TILL = "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b13"
_PERSON = "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14"
Amount = Annotated[int, Field(ge=0, le=1_000_000_000_000)]
PositiveAmount = Annotated[int, Field(gt=0, le=1_000_000_000_000)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Reason = Annotated[Filled, StringConstraints(max_length=200)]


class OpenShift(BaseModel):
    """Begin to work from a till's drawer, with the float that lies in it; the business's first till where none is named."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"float_cents": 200000}]})

    id: ClientId | None = None
    till_id: UUID | None = None
    float_cents: Amount
    occurred_at: datetime | None = Field(default=None, description="When it began, as the till says; with a time zone.")


class CloseShift(BaseModel):
    """Count what lies in the drawer, the float with it. What should lie there is told afterwards."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"counted_cents": 1245000, "note": ""}]})

    counted_cents: Amount
    note: Note = ""


class MoveDrawer(BaseModel):
    """Put cash into the drawer, or take some out, that is no sale and no expense."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"direction": "out", "amount_cents": 500000, "reason": "To the owner"}]}
    )

    id: ClientId | None = None
    direction: Direction
    amount_cents: PositiveAmount
    reason: Reason


class ShiftView(BaseModel):
    """A shift. Until it is closed nobody is told what is expected, so that the count is a count.

    `variance`: what became of the difference. `review` names what is odd about it, where a till told of it afterwards.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID, "till_id": _TILL, "opened_by": _PERSON, "float_cents": 200000, "state": "closed",
                    "counted_cents": 1245000, "counted_by": _PERSON, "expected_cents": 1250000, "difference_cents": -5000,
                    "variance": "booked", "late_movements": 0, "note": "", "review": [],
                    "opened_at": "2026-11-20T05:00:00Z", "closed_at": "2026-11-20T16:05:00Z", "rev": 2,
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    till_id: UUID
    opened_by: UUID
    float_cents: int
    state: ShiftState
    counted_cents: int | None = None
    counted_by: UUID | None = None
    expected_cents: int | None = None
    difference_cents: int | None = None
    variance: Variance
    approval_id: UUID | None = None
    late_movements: int = Field(description="How many facts arrived after the close.")
    note: str = ""
    review: list[str]
    opened_at: datetime
    closed_at: datetime | None = None
    rev: int = 1


class DrawerMovementView(BaseModel):
    """Cash that was put in or taken out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": "01936f0e-8d17-7000-8000-000000000001", "shift_id": _ID, "direction": "out", "amount_cents": 500000,
                 "reason": "To the owner", "recorded_at": "2026-11-20T11:00:00Z"}
            ]
        }
    )  # fmt: skip

    id: UUID
    shift_id: UUID
    direction: Direction
    amount_cents: int
    reason: str
    recorded_at: datetime
