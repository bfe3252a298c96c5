"""The words of identity."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is in one business."""

    OWNER = "owner"
    MANAGER = "manager"
    CASHIER = "cashier"
    ACCOUNTANT = "accountant"
    AUDITOR = "auditor"
