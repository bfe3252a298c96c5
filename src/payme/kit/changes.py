"""Commands that change a thing in part: what is left out stays as it is, and null is no value of what may not be empty.

A field that may be emptied has `None` as an ordinary default instead.
"""

from typing import Any, Final

from pydantic import Field


def without_null(schema: dict[str, Any]) -> None:
    """Say in a document what `refuse_null` does: the field may be absent, and may not be null."""
    (said,) = (each for each in schema.pop("anyOf") if each != {"type": "null"})
    schema.pop("default")
    schema.update(said)


def refuse_null(value: object) -> object:
    """Return any other value; for `field_validator(..., mode="before")`. Raises: ValueError."""
    if value is None:
        message = "may not be null"
        raise ValueError(message)
    return value


STAYS: Final[Any] = Field(default=None, json_schema_extra=without_null)
"""The default of a field that stays where it is left out."""
