"""Who we are to Safaricom: the app that asks for tokens, and the paybill or till that money goes to.

Secrets never appear in a repr. The Password of a push and its Timestamp come from one instant, in Nairobi time.
"""

import base64
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from payme.integrations.daraja.errors import InvalidRequest
from payme.kit.time import NAIROBI

_SHORTCODE = re.compile(r"\d{5,7}", re.ASCII)


class ShortcodeKind(StrEnum):
    """The two kinds of shortcode that can be paid by a push."""

    PAYBILL = "paybill"
    BUY_GOODS = "buy_goods"


class TransactionType(StrEnum):
    """Safaricom's names for paying a paybill and paying a till."""

    CUSTOMER_PAY_BILL_ONLINE = "CustomerPayBillOnline"
    CUSTOMER_BUY_GOODS_ONLINE = "CustomerBuyGoodsOnline"


TRANSACTION_TYPES = {
    ShortcodeKind.PAYBILL: TransactionType.CUSTOMER_PAY_BILL_ONLINE,
    ShortcodeKind.BUY_GOODS: TransactionType.CUSTOMER_BUY_GOODS_ONLINE,
}


def is_shortcode(text: str) -> bool:
    """Say whether a text can be a paybill, a store or a till number."""
    return _SHORTCODE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """One app on the Daraja portal; `app_id` is our own name for it, under which its shared token is kept."""

    app_id: str
    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)

    def basic_authorization(self) -> str:
        """Return the value of the Authorization header that asks for a token."""
        pair = f"{self.consumer_key}:{self.consumer_secret}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


@dataclass(frozen=True, slots=True)
class CollectionAccount:
    """Where pushed money goes: a paybill, or a till under its store.

    For `buy_goods`, `shortcode` is the store or head-office number of the go-live and `till_number` the till; the
    passkey belongs to `shortcode` in both kinds.

    Raises: InvalidRequest where a number has not 5 to 7 digits, or a till number is missing or out of place.
    Source: Daraja portal, M-Pesa Express.
    """

    kind: ShortcodeKind
    shortcode: str
    passkey: str = field(repr=False)
    till_number: str | None = None

    def __post_init__(self) -> None:
        if not is_shortcode(self.shortcode):
            raise InvalidRequest(field="shortcode", rule="5 to 7 digits")
        if (self.kind is ShortcodeKind.BUY_GOODS) != (self.till_number is not None):
            raise InvalidRequest(field="till_number", rule="given for buy_goods and for nothing else")
        if self.till_number is not None and not is_shortcode(self.till_number):
            raise InvalidRequest(field="till_number", rule="5 to 7 digits")
        if not self.passkey:
            raise InvalidRequest(field="passkey", rule="not empty")

    @property
    def party_b(self) -> str:
        """The number that receives the money."""
        return self.till_number or self.shortcode

    @property
    def transaction_type(self) -> TransactionType:
        """Safaricom's word for paying this kind."""
        return TRANSACTION_TYPES[self.kind]

    def signature(self, at: datetime) -> "Signature":
        """Return Password and Timestamp of one aware instant."""
        assert at.tzinfo is not None, "the clock tells aware time"
        timestamp = at.astimezone(NAIROBI).strftime("%Y%m%d%H%M%S")
        password = base64.b64encode(f"{self.shortcode}{self.passkey}{timestamp}".encode()).decode()
        return Signature(password, timestamp)


@dataclass(frozen=True, slots=True)
class Signature:
    """What proves a push: base64(shortcode + passkey + timestamp), and that same timestamp."""

    password: str = field(repr=False)
    timestamp: str
