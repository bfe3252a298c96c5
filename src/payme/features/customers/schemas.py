"""Commands that describe customers, and the view of one."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from payme.features.customers.enums import Consent, CustomerKind
from payme.kit.changes import STAYS, refuse_null, without_null
from payme.kit.ids import ClientId
from payme.kit.texts import Filled

SEES_PHONE = "customers.read_phone"
Name = Annotated[Filled, StringConstraints(max_length=120)]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, max_length=32)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class CreateCustomer(BaseModel):
    """Somebody who buys. With the id of the till that met them first, saying it again changes nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Achieng", "kind": "regular", "phone": "0712345678", "consents": ["receipts"]}]
        }
    )

    id: ClientId | None = None
    name: Name
    kind: CustomerKind = CustomerKind.REGULAR
    phone: Phone | None = None
    note: Note = ""
    consents: list[Consent] = Field(default_factory=list[Consent], max_length=len(Consent))

    @field_validator("consents")
    @classmethod
    def _once_each(cls, value: list[Consent]) -> list[Consent]:
        return sorted(set(value))


class ChangeCustomer(BaseModel):
    """What to change of a customer; what is absent stays. `consents` replaces all of them; a null phone takes it away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "vip", "consents": ["receipts", "marketing"]}]})

    name: Name | None = STAYS
    kind: CustomerKind | None = STAYS
    phone: Phone | None = None
    note: Note | None = STAYS
    consents: list[Consent] | None = Field(
        default=None, max_length=len(Consent), json_schema_extra=without_null
    )  # fmt: skip
    active: bool | None = STAYS

    _refuse_null = field_validator("name", "kind", "note", "consents", "active", mode="before")(refuse_null)

    @field_validator("consents")
    @classmethod
    def _once_each(cls, value: list[Consent]) -> list[Consent]:
        return sorted(set(value))


class CustomerView(BaseModel):
    """A customer. `phone` is null for those who may not see whole numbers, such as tills; `phone_masked` is for all."""

    hidden_without: ClassVar[dict[str, frozenset[str]]] = {SEES_PHONE: frozenset({"phone"})}
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01936f0e-8d15-7000-8000-000000000001",
                    "name": "Achieng",
                    "kind": "regular",
                    "phone": "254712345678",
                    "phone_masked": "*********678",
                    "note": "",
                    "consents": ["receipts"],
                    "active": True,
                    "created_at": "2026-11-20T08:15:00Z",
                    "updated_at": "2026-11-20T08:15:00Z",
                    "rev": 1,
                }
            ]
        }
    )

    id: UUID
    name: str
    kind: CustomerKind
    phone: str | None = None
    phone_masked: str = ""
    note: str = ""
    consents: list[Consent]
    active: bool
    created_at: datetime
    updated_at: datetime
    rev: int = 1


class CustomerFilter(BaseModel):
    """Which customers are wanted: `q` is found in a name, or is a whole phone number."""

    q: str | None = None
    kind: CustomerKind | None = None
    active: bool | None = None
