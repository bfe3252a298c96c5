"""The money inside: wallets of people, accounts of short codes, and what moved between them.

Lives here: balances, limits, receipts of payments. Does not live here: prompts, outcomes, the wire.
Invariant: a payment takes from one account what it gives to another, so balances always sum to zero; receipts are
unique. All amounts are integer cents.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from payme_sim.clock import NAIROBI, Clock
from payme_sim.dice import Dice
from payme_sim.settings import Settings

TRANSACTION_LIMIT_CENTS = 250_000_00
DAILY_LIMIT_CENTS = 500_000_00
WALLET_LIMIT_CENTS = 500_000_00
REPEAT_WINDOW = timedelta(minutes=2)
DEFAULT_PIN = "1234"


class PaymentRefused(Exception):
    """The ledger's rules do not let this payment happen."""

    def __init__(self, code: str) -> None:
        """Carry the STK result code."""
        super().__init__(code)
        self.code = code


@dataclass(slots=True, kw_only=True)
class Wallet:
    """The money of one phone number."""

    msisdn: str
    balance_cents: int
    pin: str = DEFAULT_PIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One movement from a wallet to a short code's account."""

    receipt: str
    at: datetime
    msisdn: str
    shortcode: str
    account: str
    amount_cents: int
    reference: str
    balance_after_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOrder:
    """What a payer agreed to pay; `account` is the short code's account that receives."""

    msisdn: str
    shortcode: str
    account: str
    amount_cents: int
    reference: str


class Ledger:
    """Holds every balance and decides whether money may move."""

    def __init__(self, clock: Clock, dice: Dice, *, settings: Settings) -> None:
        """Begin with no wallets and no accounts."""
        self._clock = clock
        self._dice = dice
        self._settings = settings
        self.wallets: dict[str, Wallet] = {}
        self.accounts: dict[tuple[str, str], int] = {}
        self.payments: list[Payment] = []
        self._payments_of: dict[str, list[Payment]] = {}
        self._receipts: set[str] = set()
        self._issued_cents = 0

    def wallet(self, msisdn: str) -> Wallet:
        """Find a number's wallet, or make it with the starting balance."""
        wallet = self.wallets.get(msisdn)
        if wallet is None:
            wallet = self.wallets[msisdn] = Wallet(msisdn=msisdn, balance_cents=self._settings.start_balance_cents)
            self._issued_cents += wallet.balance_cents
        return wallet

    def set_balance(self, msisdn: str, balance_cents: int) -> Wallet:
        """Give a wallet this balance, as if an agent had moved the difference."""
        wallet = self.wallet(msisdn)
        self._issued_cents += balance_cents - wallet.balance_cents
        wallet.balance_cents = balance_cents
        return wallet

    def open_account(self, shortcode: str, account: str) -> None:
        """Make a short code's account with nothing in it."""
        self.accounts.setdefault((shortcode, account), 0)

    def pay(self, order: PaymentOrder) -> Payment:
        """Move money from a wallet to a short code.

        Raises: PaymentRefused with 17, 3, 4 or 1; nothing has moved then.
        """
        wallet = self.wallet(order.msisdn)
        self._refuse_if_not_allowed(order, wallet)
        wallet.balance_cents -= order.amount_cents
        self.accounts[(order.shortcode, order.account)] += order.amount_cents
        payment = Payment(
            receipt=self._new_receipt(),
            at=self._clock.now(),
            balance_after_cents=wallet.balance_cents,
            **asdict(order),
        )
        self.payments.append(payment)
        self._payments_of.setdefault(order.msisdn, []).append(payment)
        return payment

    def view(self) -> dict[str, Any]:
        """Show wallets, accounts, payments and the sums that must agree."""
        wallets_cents = sum(wallet.balance_cents for wallet in self.wallets.values())
        accounts_cents = sum(self.accounts.values())
        return {
            "wallets": [
                {"msisdn": wallet.msisdn, "balance_cents": wallet.balance_cents} for wallet in self.wallets.values()
            ],
            "accounts": [
                {"shortcode": shortcode, "account": account, "balance_cents": balance}
                for (shortcode, account), balance in self.accounts.items()
            ],
            "payments": [asdict(payment) | {"at": payment.at.isoformat()} for payment in self.payments],
            "totals": {
                "issued_cents": self._issued_cents,
                "wallets_cents": wallets_cents,
                "accounts_cents": accounts_cents,
                "difference_cents": self._issued_cents - wallets_cents - accounts_cents,
            },
        }

    def _refuse_if_not_allowed(self, order: PaymentOrder, wallet: Wallet) -> None:
        if self._settings.repeat_rule and self._paid_the_same_lately(order):
            raise PaymentRefused("17")
        if order.amount_cents > TRANSACTION_LIMIT_CENTS:
            raise PaymentRefused("3")
        if self._paid_today(order.msisdn) + order.amount_cents > DAILY_LIMIT_CENTS:
            raise PaymentRefused("4")
        if order.amount_cents > wallet.balance_cents:
            raise PaymentRefused("1")

    def _paid_the_same_lately(self, order: PaymentOrder) -> bool:
        since = self._clock.now() - REPEAT_WINDOW
        return any(
            payment.amount_cents == order.amount_cents and payment.at > since
            for payment in self._payments_of.get(order.msisdn, [])
        )

    def _paid_today(self, msisdn: str) -> int:
        today = self._clock.nairobi().date()
        return sum(
            payment.amount_cents
            for payment in self._payments_of.get(msisdn, [])
            if payment.at.astimezone(NAIROBI).date() == today
        )

    def _new_receipt(self) -> str:
        receipt = self._dice.receipt()
        while receipt in self._receipts or receipt.endswith("0000000"):
            receipt = self._dice.receipt()
        self._receipts.add(receipt)
        return receipt
