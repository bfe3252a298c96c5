"""The words of approvals; each has its CHECK in the schema."""

from enum import StrEnum


class ApprovalKind(StrEnum):
    """What somebody wants to do above a limit."""

    REFUND = "refund"
    VOID = "void"
    DISCOUNT = "discount"
    WRITE_OFF = "write_off"
    PAYOUT = "payout"
    VARIANCE = "variance"


class ApprovalState(StrEnum):
    """Where a request stands; it is decided once."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
