"""Devices as the office and the devices themselves see them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from payme.kit.texts import Filled

DeviceName = Annotated[Filled, StringConstraints(max_length=80)]
EXAMPLE_DEVICE = "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b15"
_LIMITS: dict[str, JsonValue] = {"sale_cents": 2_000_000, "total_cents": 20_000_000, "sales": 500, "hours": 72}


class OfflineLimits(BaseModel):
    """What a device may do while it has no network; beyond it, what it did is taken all the same and looked at by a person."""

    sale_cents: int = Field(default=2_000_000, description="The largest sale")
    total_cents: int = Field(default=20_000_000, description="All sales since the last contact together")
    sales: int = Field(default=500, description="How many sales since the last contact")
    hours: int = Field(default=72, description="How old a sale is when it arrives")


LIMITS = OfflineLimits()
"""What every device is told, and what the server holds its sales against."""


class RegisterDevice(BaseModel):
    """Become a device of the business that made the code."""

    model_config = ConfigDict(json_schema_extra={"example": {"code": "reg_…", "name": "Counter 2"}})

    code: str = Field(max_length=200)
    name: DeviceName | None = Field(default=None, description="Else the name that the code was made with")


class BusinessOfDevice(BaseModel):
    """What a till shows of its business and computes a sale by."""

    id: UUID
    name: str
    currency: str
    cash_rounding_cents: int
    discount_limit_basis_points: int
    refund_limit_cents: int
    claim_limit_cents: int


class DeviceSetUp(BaseModel):
    """What a device is and works with."""

    device_id: UUID
    name: str
    till_id: UUID
    branch_id: UUID
    receipt_prefix: str = Field(
        description="The device's own; its receipt numbers are this, a dash and a number", examples=["A2"]
    )
    last_receipt: int = Field(description="The highest number that the server knows under the prefix")
    last_sequence: int = Field(description="The highest sequence number that the server has from the device")
    epoch: int
    business: BusinessOfDevice
    limits: OfflineLimits


class DeviceRegistered(DeviceSetUp):
    """A new device with its credential, which is shown this once."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "device_id": EXAMPLE_DEVICE,
                "name": "Counter 2",
                "till_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b13",
                "branch_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b12",
                "receipt_prefix": "A2",
                "last_receipt": 0,
                "last_sequence": 0,
                "epoch": 1,
                "business": {
                    "id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b10",
                    "name": "Mama Njeri Stores",
                    "currency": "KES",
                    "cash_rounding_cents": 100,
                    "discount_limit_basis_points": 1000,
                    "refund_limit_cents": 100000,
                    "claim_limit_cents": 500000,
                },
                "limits": _LIMITS,
                "credential": "dev_…",
            }
        }
    )

    credential: str


class CredentialMade(BaseModel):
    """A new credential, which is shown this once; the old one is good until this one is first used."""

    device_id: UUID
    credential: str = Field(examples=["dev_…"])


class RenameDevice(BaseModel):
    """Give a device another name."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Counter by the door"}})

    name: DeviceName


class UnlockMember(BaseModel):
    """Let somebody try their PIN at a device again."""

    model_config = ConfigDict(json_schema_extra={"example": {"user_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14"}})

    user_id: UUID


class DeviceView(BaseModel):
    """A device in the office's list."""

    id: UUID
    name: str
    till_id: UUID
    branch_id: UUID
    registered_by: UUID
    registered_at: datetime
    last_seen_at: datetime
    revoked_at: datetime | None = None
    rev: int
