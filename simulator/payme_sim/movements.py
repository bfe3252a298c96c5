"""What a movement of money is: from where, to where, why, and what it left behind.

Lives here: places, reasons, orders and movements. Does not live here: balances and the rules that let money move.
Invariant: a movement is never changed; undoing one is another that names it. All amounts are integer cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

UTILITY = "Utility Account"
WORKING = "Working Account"
MERCHANT = "Merchant Account"
CHARGES_PAID = "Charges Paid Account"
SETTLEMENT = "Organization Settlement Account"
WALLET = "Wallet"
POCHI = "Pochi Account"


class Place(NamedTuple):
    """Where money stands: an account of a short code, or of a number."""

    holder: str
    account: str


BANK = Place("bank", "Bank")


class Reason(StrEnum):
    """Why money moved, in the words of the organisation portal."""

    PAY_BILL = "Pay Bill"
    PAY_BILL_ONLINE = "Pay Bill Online"
    BUY_GOODS = "Customer Merchant Payment"
    BUY_GOODS_ONLINE = "Merchant Payment Online"
    BUSINESS_PAYMENT = "Business Payment to Customer via API"
    SALARY = "Salary Payment to Customer via API"
    PROMOTION = "Promotion Payment to Customer via API"
    POCHI = "Business Payment to Pochi via API"
    BUSINESS_PAY_BILL = "Business Pay Bill via API"
    BUSINESS_BUY_GOODS = "Business Buy Goods via API"
    BUSINESS_PAY_TO_BULK = "Business Pay to Bulk via API"
    TAX = "Pay Tax to KRA via API"
    REVERSAL = "Transaction Reversal via API"
    DEPOSIT = "Organization Funds Deposit"
    BANK_SETTLEMENT = "Organization Settlement to Bank"


CUSTOMER_PAYMENTS = frozenset({Reason.PAY_BILL, Reason.PAY_BILL_ONLINE, Reason.BUY_GOODS, Reason.BUY_GOODS_ONLINE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Money that shall move; `party` names the other side of a short code as its statement shows it."""

    debit: Place
    credit: Place
    amount_cents: int
    reason: Reason
    reference: str = ""
    party: str = ""
    linked_receipt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Money that moved; the balances are those it left on either side."""

    receipt: str
    order: Order
    started_at: datetime
    at: datetime
    debit_after_cents: int
    credit_after_cents: int

    @property
    def amount_cents(self) -> int:
        """Tell how much moved."""
        return self.order.amount_cents

    @property
    def reference(self) -> str:
        """Tell the account number the payer gave."""
        return self.order.reference

    @property
    def msisdn(self) -> str:
        """Name the payer of a customer's payment."""
        return self.order.debit.holder

    @property
    def shortcode(self) -> str:
        """Name the short code that a customer's payment went to."""
        return self.order.credit.holder


def shillings(cents: int) -> str:
    """Spell an amount as the wire does, in shillings with two decimals; it may be negative."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"
