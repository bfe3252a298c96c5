"""The provider's customers: developer apps with their keys, and short codes with their passkeys.

Lives here: registration and look-up, OAuth tokens. Does not live here: HTTP.
Invariant: a short code is a paybill, or a store with exactly one till number; passkeys belong to the short code that
signs, never to the till.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from payme_sim.clock import Clock
from payme_sim.dice import Dice
from payme_sim.movements import CHARGES_PAID, MERCHANT, SETTLEMENT, UTILITY, WORKING, Place, Reason

TOKEN_SECONDS = 3599
# The operator whom the provider's public documentation gives everybody; it opens nothing real.
DEMO_INITIATOR = "testapi"
DEMO_INITIATOR_PASSWORD = "Safaricom999!*!"
TAX_AUTHORITY = "572572"


class Kind(StrEnum):
    """How customers pay the short code."""

    PAYBILL = "paybill"
    TILL = "till"


def demo_passkey(shortcode: str) -> str:
    """Make the fixed demonstration passkey of a short code."""
    return hashlib.sha256(f"payme-sim passkey {shortcode}".encode()).hexdigest()


class ShortCode(BaseModel):
    """A paybill, or a store (`shortcode`) with its `till_number`."""

    model_config = ConfigDict(extra="forbid")

    shortcode: str = Field(pattern=r"^\d{5,7}$")
    kind: Kind = Kind.PAYBILL
    till_number: str | None = Field(default=None, pattern=r"^\d{5,7}$")
    name: str = Field(default="DUKA", min_length=1, max_length=160)
    passkey: str = ""
    initiator_name: str = Field(default=DEMO_INITIATOR, min_length=1)
    initiator_password: str = Field(default=DEMO_INITIATOR_PASSWORD, min_length=1)
    validation: bool = Field(default=False, description="Payments by hand are asked about at the ValidationURL first.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.kind is Kind.TILL) != (self.till_number is not None):
            message = "a till needs its till_number, and a paybill has none"
            raise ValueError(message)
        if not self.passkey:
            self.passkey = demo_passkey(self.shortcode)
        return self

    @property
    def receives_on(self) -> str:
        """Name the number that customers pay and that STK carries as PartyB."""
        return self.till_number or self.shortcode

    @property
    def transaction_type(self) -> str:
        """Name the only TransactionType that suits this kind."""
        return "CustomerPayBillOnline" if self.kind is Kind.PAYBILL else "CustomerBuyGoodsOnline"

    @property
    def receiving_account(self) -> str:
        """Name the account that customers' money arrives on."""
        return UTILITY if self.kind is Kind.PAYBILL else MERCHANT

    @property
    def receiving_place(self) -> Place:
        """Name the place that customers' money arrives at."""
        return Place(self.shortcode, self.receiving_account)

    @property
    def reason(self) -> Reason:
        """Name a payment that a customer makes by himself."""
        return Reason.PAY_BILL if self.kind is Kind.PAYBILL else Reason.BUY_GOODS

    @property
    def prompted_reason(self) -> Reason:
        """Name a payment that answers a prompt."""
        return Reason.PAY_BILL_ONLINE if self.kind is Kind.PAYBILL else Reason.BUY_GOODS_ONLINE

    @property
    def account_names(self) -> tuple[str, ...]:
        """List the accounts of a short code of this kind."""
        if self.kind is Kind.TILL:
            return (MERCHANT, WORKING, CHARGES_PAID)
        return (UTILITY, WORKING, CHARGES_PAID, SETTLEMENT)


class App(BaseModel):
    """A developer app with its key pair."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    consumer_key: str = Field(min_length=1)
    consumer_secret: str = Field(min_length=1)


# The sandbox paybill and its passkey are printed in the provider's public documentation.
SANDBOX_SHORTCODE = "174379"
_SANDBOX_PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"


def default_apps() -> list[App]:
    """List the apps that exist from the start; their keys are fixed and open nothing real."""
    return [App(name="demo", consumer_key="payme-demo-key", consumer_secret="payme-demo-secret")]


def default_shortcodes() -> list[ShortCode]:
    """List the short codes that exist from the start: sandbox paybill, platform paybill, a store with its till, the taxes."""
    return [
        ShortCode(shortcode=SANDBOX_SHORTCODE, name="DUKA LA MFANO", passkey=_SANDBOX_PASSKEY),
        ShortCode(shortcode="650880", name="PAYME TOKENS"),
        ShortCode(shortcode="651200", kind=Kind.TILL, till_number="5651201", name="MAMA MBOGA STORES"),
        ShortCode(shortcode=TAX_AUTHORITY, name="KENYA REVENUE AUTHORITY"),
    ]


class Apps:
    """Holds apps, short codes and the tokens given out."""

    def __init__(self, clock: Clock, dice: Dice) -> None:
        """Begin with the default apps and short codes."""
        self._clock = clock
        self._dice = dice
        self.apps = {app.consumer_key: app for app in default_apps()}
        self.shortcodes = {code.shortcode: code for code in default_shortcodes()}
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def shortcode_of(self, number: str) -> ShortCode | None:
        """Find a short code by its own number or by its till's."""
        return self.shortcodes.get(number) or self.paid_at(number)

    def paid_at(self, number: str) -> ShortCode | None:
        """Find the short code whose customers pay this number."""
        return next((code for code in self.shortcodes.values() if code.receives_on == number), None)

    def app_with(self, consumer_key: str, consumer_secret: str) -> App | None:
        """Find the app with this key pair."""
        app = self.apps.get(consumer_key)
        if app is None or not hmac.compare_digest(app.consumer_secret.encode(), consumer_secret.encode()):
            return None
        return app

    def issue_token(self, app: App, *, kill_older: bool) -> str:
        """Make a token for an app, ending its earlier tokens when asked to."""
        if kill_older:
            self._tokens = {token: kept for token, kept in self._tokens.items() if kept[0] != app.consumer_key}
        token = self._dice.access_token()
        self._tokens[token] = (app.consumer_key, self._clock.now() + timedelta(seconds=TOKEN_SECONDS))
        return token

    def kill_token(self, token: str) -> None:
        """End a token before its time."""
        self._tokens.pop(token, None)

    def app_of_token(self, token: str) -> App | None:
        """Find the app that a living token belongs to."""
        kept = self._tokens.get(token)
        if kept is None or kept[1] <= self._clock.now():
            return None
        return self.apps.get(kept[0])
