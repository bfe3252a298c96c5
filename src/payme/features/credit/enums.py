"""The words of credit; each has its CHECK in the schema."""

from enum import StrEnum


class AccountState(StrEnum):
    """Whether somebody may still buy on the account."""

    OPEN = "open"
    CLOSED = "closed"


class EntryKind(StrEnum):
    """Why a debt moved: bought, the sale came to nothing, goods came back, paid, what was paid was taken back."""

    CHARGE = "charge"
    RETURNED = "returned"
    REFUND = "refund"
    REPAYMENT = "repayment"
    TAKEN_BACK = "taken_back"
