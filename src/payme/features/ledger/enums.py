"""The chart of accounts that every business begins with."""

from enum import StrEnum


class AccountCode(StrEnum):
    """Codes of the accounts that features post to."""

    CASH = "cash"
    MPESA = "mpesa"
    MPESA_TO_CONFIRM = "mpesa_to_confirm"
    MPESA_UNCLAIMED = "mpesa_unclaimed"
    MPESA_PAID_OUT = "mpesa_paid_out"
    CARD = "card"
    PAYMENTS_HELD = "payments_held"
    CREDIT_NOTES = "credit_notes"
    SALES_REVENUE = "sales_revenue"
    VAT_PAYABLE = "vat_payable"
    INVENTORY = "inventory"
    COST_OF_GOODS = "cost_of_goods"
    CASH_ROUNDING = "cash_rounding"
    STOCK_ADJUSTMENTS = "stock_adjustments"
    SPOILAGE = "spoilage"
    GOODS_RECEIVED = "goods_received"
    CASH_OVER_SHORT = "cash_over_short"
    MPESA_FEES = "mpesa_fees"
    MPESA_LOSSES = "mpesa_losses"
    OWNER_EQUITY = "owner_equity"
    PLATFORM_FEES = "platform_fees"
    TOKEN_SALES = "token_sales"
    TOKENS = "tokens"
    TOKENS_USED = "tokens_used"
    TOKENS_BOUGHT = "tokens_bought"
    TOKENS_GRANTED = "tokens_granted"
