"""The words of expenses; each has its CHECK in the schema."""

from enum import StrEnum


class ExpenseCategory(StrEnum):
    """What money was spent on."""

    RENT = "rent"
    UTILITIES = "utilities"
    SALARIES = "salaries"
    SUPPLIES = "supplies"
    TRANSPORTATION = "transportation"
    MARKETING = "marketing"
    MAINTENANCE = "maintenance"
    INSURANCE = "insurance"
    LICENCES = "licences"
    OTHER = "other"


class ExpenseMethod(StrEnum):
    """How an expense is paid."""

    CASH = "cash"
    MPESA = "mpesa"
    BANK = "bank"
    CHEQUE = "cheque"


class ExpenseState(StrEnum):
    """Where an expense stands."""

    RECORDED = "recorded"
    VERIFIED = "verified"
    APPROVED = "approved"
    PAID = "paid"
    CANCELLED = "cancelled"
