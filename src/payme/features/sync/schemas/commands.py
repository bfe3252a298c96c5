"""Commands as tills send them and as they come back with their verdict."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from payme.features.credit import RepayCredit
from payme.features.sales import MpesaClaimTender, RefundSale, VoidSale
from payme.features.shifts import CloseShift
from payme.features.sync.enums import CommandStatus
from payme.features.sync.schemas.rows import ResolveConflict
from payme.kit.ids import ClientId
from payme.kit.texts import Filled
from payme.kit.time import Instant

LARGEST_BATCH = 200
_LARGEST_SEQUENCE = 2**53 - 1
_MOST_DEPENDENCIES = 50
_EXAMPLE: dict[str, JsonValue] = {
    "id": "01936f12-3c11-7a52-9b1e-5e2f7c9a4d10",
    "device_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b15",
    "device_sequence": 412,
    "name": "sale.create",
    "schema_version": 1,
    "args": {
        "receipt_number": "A2-000318",
        "lines": [{"product_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b11", "quantity": "2", "unit_price_cents": 15000}],
        "tenders": [{"method": "cash", "amount_cents": 30000}],
    },
    "depends_on": [],
    "handed_over": True,
    "occurred_at": "2026-11-22T09:15:00Z",
    "hlc": "1795338900000-0-01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b15",
    "staff_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14",
    "status": "pending",
}


class Command(BaseModel):
    """What was done at a till, by whom and when; `args` are what the endpoint of the same name takes.

    `handed_over`: the goods or the money are gone, so it is a fact and nothing refuses it; else it is a request. `approved_by`
    is whoever agreed at the till, whose PIN the device has looked at.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: ClientId
    device_id: UUID
    device_sequence: int = Field(gt=0, le=_LARGEST_SEQUENCE)
    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    schema_version: int = Field(default=1, ge=1, le=1_000)
    args: dict[str, Any]
    depends_on: list[UUID] = Field(default_factory=list[UUID], max_length=_MOST_DEPENDENCIES)
    handed_over: bool = False
    occurred_at: Instant
    hlc: str = Field(default="", max_length=120)
    staff_id: UUID | None = None
    shift_id: UUID | None = None
    approved_by: UUID | None = None


class PushCommands(BaseModel):
    """Commands in the order in which they are to be tried; each gets its own verdict."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"commands": [_EXAMPLE]}]})

    commands: list[dict[str, Any]]
    pending: int | None = Field(default=None, ge=0, le=1_000_000, description="How many more the device keeps")
    oldest_pending_at: Instant | None = Field(default=None, description="When the oldest of them was made")


class CommandError(BaseModel):
    """Why a command was not executed."""

    code: str
    message: str
    pointer: str = ""


class CommandView(BaseModel):
    """A command with its verdict. `reasons` say what a person should look at; `is_repeated` that it was known already."""

    id: UUID
    device_id: UUID | None = None
    device_sequence: int | None = None
    name: str = ""
    status: CommandStatus
    reasons: list[str] = Field(default_factory=list[str])
    result: dict[str, Any] | None = None
    error: CommandError | None = None
    occurred_at: datetime | None = None
    staff_id: UUID | None = None
    handed_over: bool = False
    received_at: datetime | None = None
    applied_at: datetime | None = None
    settled_at: datetime | None = None
    settled_by: UUID | None = None
    settled_note: str = ""
    server_seq: int | None = None
    rev: int = 1
    is_repeated: bool = False
    is_altered: bool = Field(default=False, description="What came under the id was not what was executed.")


class CommandResults(BaseModel):
    """A verdict for each command, in the order in which they were sent; then those that had waited for one of them."""

    results: list[CommandView]


class RefundArgs(RefundSale):
    """A refund of a sale."""

    sale_id: UUID


class VoidArgs(VoidSale):
    """A void of a sale."""

    sale_id: UUID


class ClaimArgs(MpesaClaimTender):
    """A claimed M-Pesa payment for a sale that waits for money."""

    method: Any = "mpesa_claim"
    sale_id: UUID


class CloseShiftArgs(CloseShift):
    """The blind count that closes a shift."""

    shift_id: UUID


class RepayArgs(RepayCredit):
    """Money that a customer brings for what they owe."""

    credit_account_id: UUID


class ResolveArgs(ResolveConflict):
    """What somebody says about an open conflict."""

    conflict_id: UUID


class WrongPinsArgs(BaseModel):
    """Wrong PINs of somebody that a device saw without a network."""

    user_id: UUID
    tries: int = Field(gt=0, le=1_000)


class Settle(BaseModel):
    """Say that what was odd about a command was looked at."""

    model_config = ConfigDict(json_schema_extra={"example": {"note": "Old price label; the shelf is relabelled"}})

    note: Annotated[Filled, StringConstraints(max_length=500)]
    try_again: bool = Field(
        default=False,
        description="Execute a fact that could not be applied once more; where it still cannot be, it goes on waiting for a person",
    )


class Reconcile(BaseModel):
    """Compare what a device has kept as acknowledged with what is here, by the range of its sequence numbers.

    `hash` is SHA-256 in hexadecimal over `sequence:id` of each command in ascending order, joined by line feeds.
    """

    model_config = ConfigDict(
        json_schema_extra={"example": {"device_sequence_from": 1, "device_sequence_to": 412, "hash": "9f86d081…"}}
    )

    device_sequence_from: int = Field(gt=0, le=_LARGEST_SEQUENCE)
    device_sequence_to: int = Field(gt=0, le=_LARGEST_SEQUENCE)
    hash: str = Field(default="", max_length=64)
    commands: dict[int, UUID] = Field(
        default_factory=dict[int, UUID],
        max_length=5_000,
        description="Id by sequence number, where the hash has differed",
        json_schema_extra={"propertyNames": {"pattern": "^[1-9][0-9]{0,17}$"}},
    )


class Reconciled(BaseModel):
    """Whether both have the same, and what the server lacks: sequence numbers, and the ids of those that were named."""

    matches: bool
    missing_sequences: list[int]
    missing: list[UUID]
    epoch: int
