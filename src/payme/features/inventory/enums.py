"""Closed lists of words about stock; each has its CHECK in the schema."""

from enum import StrEnum


class MovementKind(StrEnum):
    """Why a quantity or a cost moved."""

    PURCHASE = "purchase"
    SALE = "sale"
    RETURN_IN = "return_in"
    RETURN_OUT = "return_out"
    ADJUSTMENT = "adjustment"
    SPOILAGE = "spoilage"
    TRANSFER = "transfer"
    STOCK_COUNT = "stock_count"
    TRUE_UP = "true_up"


class SpoilageType(StrEnum):
    """How goods were lost."""

    EXPIRATION = "expiration"
    DAMAGE = "damage"
    STORAGE = "storage"
    HANDLING = "handling"
    THEFT = "theft"
    OTHER = "other"


class AlertKind(StrEnum):
    """What an alert asks for: to order, or to sell before a date."""

    REORDER = "reorder"
    EXPIRING = "expiring"
