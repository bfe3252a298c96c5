"""The words of customers; each has its CHECK in the schema."""

from enum import StrEnum


class CustomerKind(StrEnum):
    """What a customer is to the shop."""

    WALK_IN = "walk_in"
    REGULAR = "regular"
    VIP = "vip"
    WHOLESALE = "wholesale"


class Consent(StrEnum):
    """What a customer may agree to have done with what is known of them."""

    RECEIPTS = "receipts"
    MARKETING = "marketing"
    CREDIT_CHECKS = "credit_checks"
