"""States of a sale and of a refund, ways to pay for one and to give it back."""

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
    CREDIT_NOTE = "credit_note"
    CREDIT = "credit"


class Because(StrEnum):
    """Why money may be a sale's."""

    REFERENCE = "reference"
    AMOUNT = "amount"
    TIME = "time"


class RefundKind(StrEnum):
    """Whether a part goes back, or the whole sale is undone on its own day."""

    REFUND = "refund"
    VOID = "void"


class RefundMethod(StrEnum):
    """How money goes back; as it was paid only where a sale is voided."""

    CASH = "cash"
    MPESA = "mpesa"
    CREDIT_NOTE = "credit_note"
    AS_PAID = "as_paid"


class RefundState(StrEnum):
    """Where a refund stands. Until it is completed, neither money nor goods have moved, but both are held for it."""

    AWAITING_APPROVAL = "awaiting_approval"
    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    REJECTED = "rejected"


class Restock(StrEnum):
    """Where returned goods go; `none` where no stock is kept of them."""

    SHELF = "shelf"
    SPOILAGE = "spoilage"
    NONE = "none"
