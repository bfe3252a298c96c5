"""The money inside: wallets of people, accounts of short codes, and what moved between them.

Lives here: balances, limits, receipts. Does not live here: prompts, outcomes, the wire.
Invariant: a movement takes from one place what it gives to another, so balances always sum to what was issued; receipts
are unique over all short codes. All amounts are integer cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from payme_sim.clock import NAIROBI, Clock
from payme_sim.dice import Dice
from payme_sim.movements import BANK, CUSTOMER_PAYMENTS, POCHI, WALLET, Movement, Order, Place, Reason
from payme_sim.people import name_of
from payme_sim.settings import Settings

TRANSACTION_LIMIT_CENTS = 250_000_00
DAILY_LIMIT_CENTS = 500_000_00
WALLET_LIMIT_CENTS = 500_000_00
REPEAT_WINDOW = timedelta(minutes=2)
DEFAULT_PIN = "1234"
_OF_PEOPLE = frozenset({WALLET, POCHI})


class PaymentRefused(Exception):
    """The ledger's rules do not let this payment happen."""

    def __init__(self, code: str) -> None:
        """Carry the result code, which is the same in every product."""
        super().__init__(code)
        self.code = code


@dataclass(slots=True, kw_only=True)
class Wallet:
    """The money of one phone number."""

    msisdn: str
    name: str
    balance_cents: int
    pin: str = DEFAULT_PIN


class Ledger:
    """Holds every balance and decides whether money may move."""

    def __init__(self, clock: Clock, dice: Dice, *, settings: Settings) -> None:
        """Begin with no wallets and no accounts."""
        self._clock = clock
        self._dice = dice
        self._settings = settings
        self.wallets: dict[str, Wallet] = {}
        self.accounts: dict[Place, int] = {}
        self.movements: list[Movement] = []
        self._by_receipt: dict[str, Movement] = {}
        self._payments_of: dict[str, list[Movement]] = {}
        self._payments_to: dict[str, list[Movement]] = {}
        self._reversals: dict[str, Movement] = {}
        self._receipts: set[str] = set()
        self._issued_cents = 0

    @property
    def payments(self) -> list[Movement]:
        """List what customers paid to short codes, oldest first."""
        return [movement for movement in self.movements if movement.order.reason in CUSTOMER_PAYMENTS]

    def payments_to(self, shortcode: str) -> list[Movement]:
        """List what customers paid to one short code, oldest first."""
        return self._payments_to.get(shortcode, [])

    def wallet(self, msisdn: str) -> Wallet:
        """Find a number's wallet, or make it with the starting balance."""
        wallet = self.wallets.get(msisdn)
        if wallet is None:
            balance_cents = self._settings.start_balance_cents
            wallet = self.wallets[msisdn] = Wallet(msisdn=msisdn, name=name_of(msisdn), balance_cents=balance_cents)
            self._issued_cents += wallet.balance_cents
        return wallet

    def name_of(self, msisdn: str) -> str:
        """Name the owner of a number, whether or not it has a wallet yet."""
        wallet = self.wallets.get(msisdn)
        return wallet.name if wallet else name_of(msisdn)

    def set_balance(self, msisdn: str, balance_cents: int) -> Wallet:
        """Give a wallet this balance, as if an agent had moved the difference."""
        wallet = self.wallet(msisdn)
        self._issued_cents += balance_cents - wallet.balance_cents
        wallet.balance_cents = balance_cents
        return wallet

    def open_account(self, place: Place) -> None:
        """Make an account with nothing in it, unless it is there."""
        self.accounts.setdefault(place, 0)

    def balance_cents(self, place: Place) -> int:
        """Tell what stands in a place."""
        return self.wallet(place.holder).balance_cents if place.account == WALLET else self.accounts.get(place, 0)

    def new_receipt(self) -> str:
        """Draw a receipt that no movement has and none will get."""
        receipt = self._dice.receipt()
        while receipt in self._receipts or receipt.endswith("0000000"):
            receipt = self._dice.receipt()
        self._receipts.add(receipt)
        return receipt

    def refuse_if_not_allowed(self, order: Order) -> None:
        """Check the rules without moving anything.

        Raises: PaymentRefused with 17, 3, 4, 8 or 1.
        """
        if order.reason in CUSTOMER_PAYMENTS and self._settings.repeat_rule and self._paid_the_same_lately(order):
            raise PaymentRefused("17")
        if _OF_PEOPLE & {order.debit.account, order.credit.account} and order.amount_cents > TRANSACTION_LIMIT_CENTS:
            raise PaymentRefused("3")
        if order.debit.account == WALLET and self._paid_today(order) + order.amount_cents > DAILY_LIMIT_CENTS:
            raise PaymentRefused("4")
        if order.debit != BANK and order.amount_cents > self.balance_cents(order.debit):
            raise PaymentRefused("1")
        self._make_room(order.credit)
        room_cents = WALLET_LIMIT_CENTS - self.balance_cents(order.credit)
        if order.credit.account in _OF_PEOPLE and order.amount_cents > room_cents:
            raise PaymentRefused("8")

    def move(self, order: Order, *, receipt: str | None = None, started_at: datetime | None = None) -> Movement:
        """Move money, under a receipt drawn before where one is given.

        Raises: PaymentRefused with 17, 3, 4, 8 or 1; nothing has moved then.
        """
        self.refuse_if_not_allowed(order)
        return self._moved(order, receipt=receipt, started_at=started_at)

    def give_back(self, order: Order, *, started_at: datetime) -> Movement:
        """Return a payment to its wallet, whatever the wallet's limits say; the order names the payment's receipt.

        Raises: PaymentRefused with 1 when the account no longer holds the money; nothing has moved then.
        """
        if order.amount_cents > self.balance_cents(order.debit):
            raise PaymentRefused("1")
        movement = self._reversals[order.linked_receipt] = self._moved(order, receipt=None, started_at=started_at)
        return movement

    def deposit(self, place: Place, amount_cents: int) -> Movement:
        """Bring money from the bank into an account, or with a negative amount take it there.

        Raises: PaymentRefused with 1 when the account does not hold so much; nothing has moved then.
        """
        if amount_cents < 0:
            order = Order(debit=place, credit=BANK, amount_cents=-amount_cents, reason=Reason.BANK_SETTLEMENT)
        else:
            order = Order(debit=BANK, credit=place, amount_cents=amount_cents, reason=Reason.DEPOSIT)
        movement = self.move(order)
        # The bank is outside: what comes from there is issued, and what goes there is not ours to count.
        self._issued_cents += amount_cents
        del self.accounts[BANK]
        return movement

    def movement_of(self, receipt: str) -> Movement | None:
        """Find what moved under a receipt."""
        return self._by_receipt.get(receipt)

    def reversal_of(self, receipt: str) -> Movement | None:
        """Find the movement that gave a payment back."""
        return self._reversals.get(receipt)

    def view(self) -> dict[str, Any]:
        """Show wallets, accounts, payments, movements and the sums that must agree."""
        wallets_cents = sum(wallet.balance_cents for wallet in self.wallets.values())
        accounts_cents = sum(self.accounts.values())
        return {
            "wallets": [
                {"msisdn": wallet.msisdn, "balance_cents": wallet.balance_cents} for wallet in self.wallets.values()
            ],
            "accounts": [
                {"shortcode": place.holder, "account": place.account, "balance_cents": balance}
                for place, balance in self.accounts.items()
            ],
            "payments": [_payment_view(movement) for movement in self.payments],
            "movements": [_movement_view(movement) for movement in self.movements],
            "totals": {
                "issued_cents": self._issued_cents,
                "wallets_cents": wallets_cents,
                "accounts_cents": accounts_cents,
                "difference_cents": self._issued_cents - wallets_cents - accounts_cents,
            },
        }

    def _moved(self, order: Order, *, receipt: str | None, started_at: datetime | None) -> Movement:
        now = self._clock.now()
        movement = Movement(
            receipt=receipt or self.new_receipt(),
            order=order,
            started_at=started_at or now,
            at=now,
            debit_after_cents=self._add(order.debit, -order.amount_cents),
            credit_after_cents=self._add(order.credit, order.amount_cents),
        )
        self.movements.append(movement)
        self._by_receipt[movement.receipt] = movement
        if order.debit.account == WALLET:
            self._payments_of.setdefault(order.debit.holder, []).append(movement)
        if order.reason in CUSTOMER_PAYMENTS:
            self._payments_to.setdefault(movement.shortcode, []).append(movement)
        return movement

    def _add(self, place: Place, cents: int) -> int:
        """Change a balance and return it."""
        if place.account == WALLET:
            wallet = self.wallet(place.holder)
            wallet.balance_cents += cents
            return wallet.balance_cents
        self.accounts[place] = self.accounts.get(place, 0) + cents
        return self.accounts[place]

    def _make_room(self, place: Place) -> None:
        """Open a wallet first seen as a recipient's with half, for a full one could be paid nothing."""
        if place.account == WALLET and place.holder not in self.wallets:
            self.set_balance(place.holder, self._settings.start_balance_cents // 2)

    def _paid_the_same_lately(self, order: Order) -> bool:
        since = self._clock.now() - REPEAT_WINDOW
        return any(
            payment.amount_cents == order.amount_cents and payment.at > since
            for payment in self._payments_of.get(order.debit.holder, [])
        )

    def _paid_today(self, order: Order) -> int:
        today = self._clock.nairobi().date()
        return sum(
            payment.amount_cents
            for payment in self._payments_of.get(order.debit.holder, [])
            if payment.at.astimezone(NAIROBI).date() == today
        )


def _payment_view(payment: Movement) -> dict[str, Any]:
    return {
        "receipt": payment.receipt,
        "at": payment.at.isoformat(),
        "msisdn": payment.msisdn,
        "shortcode": payment.shortcode,
        "account": payment.order.credit.account,
        "amount_cents": payment.amount_cents,
        "reference": payment.reference,
        "balance_after_cents": payment.debit_after_cents,
    }


def _movement_view(movement: Movement) -> dict[str, Any]:
    order = movement.order
    return {
        "receipt": movement.receipt,
        "at": movement.at.isoformat(),
        "reason": order.reason,
        "debit": {"holder": order.debit.holder, "account": order.debit.account},
        "credit": {"holder": order.credit.holder, "account": order.credit.account},
        "amount_cents": order.amount_cents,
        "reference": order.reference,
        "linked_receipt": order.linked_receipt,
        "debit_after_cents": movement.debit_after_cents,
        "credit_after_cents": movement.credit_after_cents,
    }
