"""The words of sync; those that are stored have their CHECK in the schema."""

from enum import StrEnum


class CommandStatus(StrEnum):
    """What became of a command. `pending` is not stored: it was not tried to its end, and is to be sent again."""

    APPLIED = "applied"
    REJECTED = "rejected"
    WAITING = "waiting"
    NEEDS_REVIEW = "needs_review"
    PENDING = "pending"
