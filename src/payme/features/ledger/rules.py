"""What a posting is, and how one is undone. No database, no clock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from payme.features.ledger.enums import AccountCode
from payme.kit.values import value

REVERSAL_SUFFIX: Final = ".reversed"

CHART: Final[tuple[tuple[AccountCode, str, str], ...]] = (
    (AccountCode.CASH, "Cash in drawers", "asset"),
    (AccountCode.MPESA, "M-Pesa", "asset"),
    (AccountCode.MPESA_TO_CONFIRM, "M-Pesa to confirm", "asset"),
    (AccountCode.MPESA_UNCLAIMED, "M-Pesa nobody has claimed", "liability"),
    (AccountCode.MPESA_PAID_OUT, "Paid out by M-Pesa", "expense"),
    (AccountCode.MPESA_OVERPAID, "Overpaid by M-Pesa, to be got back", "asset"),
    (AccountCode.CARD, "Card payments", "asset"),
    (AccountCode.RECEIVABLES, "Owed by customers", "asset"),
    (AccountCode.BANK, "Bank", "asset"),
    (AccountCode.PAYMENTS_HELD, "Paid for sales not yet completed", "liability"),
    (AccountCode.CREDIT_NOTES, "Credit notes not yet spent", "liability"),
    (AccountCode.SALES_REVENUE, "Sales", "income"),
    (AccountCode.VAT_PAYABLE, "VAT to pay", "liability"),
    (AccountCode.INVENTORY, "Stock", "asset"),
    (AccountCode.COST_OF_GOODS, "Cost of goods sold", "expense"),
    (AccountCode.CASH_ROUNDING, "Cash rounding", "expense"),
    (AccountCode.STOCK_ADJUSTMENTS, "Stock adjustments", "expense"),
    (AccountCode.SPOILAGE, "Spoilage", "expense"),
    (AccountCode.GOODS_RECEIVED, "Goods received, not yet paid", "liability"),
    (AccountCode.CASH_OVER_SHORT, "Cash over and short", "expense"),
    (AccountCode.MPESA_FEES, "Fees of M-Pesa", "expense"),
    (AccountCode.MPESA_LOSSES, "M-Pesa written off", "expense"),
    (AccountCode.OPERATING_EXPENSES, "Expenses", "expense"),
    (AccountCode.EXPENSES_PAYABLE, "Expenses not yet paid", "liability"),
    (AccountCode.OWNER_EQUITY, "Owner's money", "equity"),
    (AccountCode.PLATFORM_FEES, "Tokens bought", "expense"),
    (AccountCode.TOKEN_SALES, "Tokens sold", "income"),
    (AccountCode.TOKENS, "Token wallet", "token"),
    (AccountCode.TOKENS_USED, "Tokens used", "token"),
    (AccountCode.TOKENS_BOUGHT, "Tokens bought", "token"),
    (AccountCode.TOKENS_GRANTED, "Tokens granted", "token"),
)


@value
class Posting:
    """A positive amount, in cents or tokens, that leaves `source` and enters `target`; once per (cause, kind)."""

    kind: str
    source: AccountCode
    target: AccountCode
    amount: int
    cause: UUID


@value
class Movement:
    """What one posting did to one account: cents that came in, negative where they went out."""

    cause: UUID
    kind: str
    account: AccountCode
    amount_cents: int
    occurred_at: datetime


def worth_posting(postings: Sequence[Posting]) -> list[Posting]:
    """Return the postings that move something; a negative amount is the same movement the other way round."""
    turned = [
        Posting(each.kind, each.target, each.source, -each.amount, each.cause) if each.amount < 0 else each
        for each in postings
    ]
    return [each for each in turned if each.amount]


def is_reversal(posting: Posting) -> bool:
    """Say whether a posting undoes another; that one is not undone again, its correction is a new event."""
    return posting.kind.endswith(REVERSAL_SUFFIX)


def reversal_of(posting: Posting) -> Posting:
    """Return the posting that undoes another."""
    return Posting(posting.kind + REVERSAL_SUFFIX, posting.target, posting.source, posting.amount, posting.cause)
