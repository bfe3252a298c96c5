"""What the documents hold that only devices read and write. Unknown fields are refused rather than lost."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import to_json

from payme.kit.quantity import QuantityFromZero

LARGEST_BYTES = 32_768


def _fits(value: Any) -> Any:
    if len(to_json(value)) > LARGEST_BYTES:
        message = f"must be at most {LARGEST_BYTES} bytes"
        raise ValueError(message)
    return value


Text = Annotated[str, StringConstraints(max_length=4_000)]
Anything = Annotated[dict[str, Any], AfterValidator(_fits)]


class Note(BaseModel):
    """A few words, about something or nothing; `branch_id` keeps them to one branch."""

    model_config = ConfigDict(extra="forbid")

    text: Text
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    about_id: UUID | None = None
    branch_id: UUID | None = None


class Count(BaseModel):
    """What somebody has counted so far of a product; it moves no stock."""

    model_config = ConfigDict(extra="forbid")

    product_id: UUID
    quantity: QuantityFromZero
    note: Annotated[str, StringConstraints(max_length=200)] = ""
    branch_id: UUID | None = None


class TillLayout(BaseModel):
    """How a till shows its products."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(max_length=80)] = ""
    tiles: Annotated[list[Anything], Field(max_length=500), AfterValidator(_fits)] = Field(default_factory=list[Any])
    branch_id: UUID | None = None


class DevicePreferences(BaseModel):
    """What a device is set to, such as its language and its printer."""

    model_config = ConfigDict(extra="forbid")

    preferences: Anything = Field(default_factory=dict[str, Any])
    branch_id: UUID | None = None
