"""States of a sale and ways to pay for one."""

from enum import StrEnum


class SaleStatus(StrEnum):
    """Where a sale stands."""

    OPEN = "open"
    AWAITING_PAYMENT = "awaiting_payment"
    COMPLETED = "completed"
    PAYMENT_FAILED = "payment_failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"


class TenderMethod(StrEnum):
    """How a part of a sale is paid."""

    CASH = "cash"
    CARD_RECORDED = "card_recorded"
    MPESA_STK = "mpesa_stk"
    MPESA_CLAIM = "mpesa_claim"


class Because(StrEnum):
    """Why money may be a sale's."""

    REFERENCE = "reference"
    AMOUNT = "amount"
    TIME = "time"
