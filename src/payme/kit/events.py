"""What happened, as a value: published inside a transaction by the feature that did it, heard by features above it."""

from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """Something that happened in one business. Subclasses are named in the past tense and carry a dotted `name`."""

    model_config = ConfigDict(frozen=True)

    name: ClassVar[str]
    subject_id: UUID

    def payload(self) -> dict[str, Any]:
        """Return the event's fields as JSON values."""
        return self.model_dump(mode="json")
