"""The words of shifts; each has its CHECK in the schema."""

from enum import StrEnum


class ShiftState(StrEnum):
    """Whether the drawer is still worked from."""

    OPEN = "open"
    CLOSED = "closed"


class Variance(StrEnum):
    """What became of the difference between counted and expected."""

    NONE = "none"
    BOOKED = "booked"
    AWAITING_APPROVAL = "awaiting_approval"
    REJECTED = "rejected"


class Direction(StrEnum):
    """Which way cash goes that is no sale."""

    IN = "in"
    OUT = "out"
