"""Requests in Safaricom's words: what may be sent, and the exact body of each call.

A request that would be refused for its form is refused here, before anything leaves the machine.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

from payme.integrations.daraja.credentials import CollectionAccount
from payme.integrations.daraja.errors import InvalidRequest, WholeShillingsOnly
from payme.kit.money import CENTS_PER_SHILLING, is_whole_shillings
from payme.kit.phone import normalise_msisdn

SMALLEST_SHILLINGS = 1
LARGEST_SHILLINGS = 250_000
LONGEST_DESCRIPTION = 13
_ACCOUNT_REFERENCE = re.compile(r"[A-Za-z0-9-]{1,12}", re.ASCII)
_DESCRIPTION = re.compile(r"[A-Za-z0-9 .-]{1,13}", re.ASCII)
_NOT_IN_DESCRIPTION = re.compile(r"[^A-Za-z0-9 .-]+", re.ASCII)
_CHECKOUT_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class StkPush:
    """One prompt on one phone. `amount_cents` must be whole shillings, 1 to 250,000; `msisdn` as people write it or 254….

    `account_reference` is shown in the prompt and never comes back; `callback_url` carries a secret of its own.

    Raises: WholeShillingsOnly, InvalidRequest.
    Source: Daraja portal, M-Pesa Express; an omitted TransactionDesc is refused on the wire.
    """

    account: CollectionAccount
    msisdn: str = field(repr=False)
    amount_cents: int
    callback_url: str = field(repr=False)
    account_reference: str
    description: str

    def __post_init__(self) -> None:
        if not is_whole_shillings(self.amount_cents):
            raise WholeShillingsOnly(amount_cents=self.amount_cents)
        if not SMALLEST_SHILLINGS <= self.shillings <= LARGEST_SHILLINGS:
            raise InvalidRequest(field="amount_cents", rule="KES 1 to 250,000", amount_cents=self.amount_cents)
        if normalise_msisdn(self.msisdn) is None or not self.msisdn.isascii():
            raise InvalidRequest(field="msisdn", rule="a Kenyan mobile number")
        if _ACCOUNT_REFERENCE.fullmatch(self.account_reference) is None:
            raise InvalidRequest(field="account_reference", rule="1 to 12 letters, digits and hyphens")
        if _DESCRIPTION.fullmatch(self.description) is None or not self.description.strip():
            raise InvalidRequest(field="description", rule="1 to 13 letters, digits, spaces, points and hyphens")

    @property
    def shillings(self) -> int:
        """The amount as it travels."""
        return self.amount_cents // CENTS_PER_SHILLING

    def body(self, at: datetime) -> dict[str, str | int]:
        """Return the JSON body, signed for one aware instant; phone and short codes travel as numbers."""
        signature = self.account.signature(at)
        msisdn = int(normalise_msisdn(self.msisdn) or 0)
        return {
            "BusinessShortCode": int(self.account.shortcode),
            "Password": signature.password,
            "Timestamp": signature.timestamp,
            "TransactionType": self.account.transaction_type.value,
            "Amount": self.shillings,
            "PartyA": msisdn,
            "PartyB": int(self.account.party_b),
            "PhoneNumber": msisdn,
            "CallBackURL": self.callback_url,
            "AccountReference": self.account_reference,
            "TransactionDesc": self.description,
        }


@dataclass(frozen=True, slots=True)
class StkQuery:
    """A question about one prompt. Its id holds the payer's number: personal data, opaque.

    Raises: InvalidRequest where there is no id to ask about.
    """

    account: CollectionAccount
    checkout_request_id: str = field(repr=False)

    def __post_init__(self) -> None:
        if not is_request_id(self.checkout_request_id):
            raise InvalidRequest(field="checkout_request_id", rule="1 to 128 printable characters")

    def body(self, at: datetime) -> dict[str, str | int]:
        """Return the JSON body, signed for one aware instant."""
        signature = self.account.signature(at)
        return {
            "BusinessShortCode": int(self.account.shortcode),
            "Password": signature.password,
            "Timestamp": signature.timestamp,
            "CheckoutRequestID": self.checkout_request_id,
        }


def is_request_id(text: str) -> bool:
    """Say whether a text can be an id that Safaricom gave."""
    return _CHECKOUT_REQUEST_ID.fullmatch(text) is not None


def description_from(text: str, *, otherwise: str = "Payment") -> str:
    """Return a TransactionDesc made of any text: what the prompt cannot show is dropped, the rest cut to 13 characters."""
    shown = _NOT_IN_DESCRIPTION.sub(" ", text)
    return " ".join(shown.split())[:LONGEST_DESCRIPTION].strip() or otherwise
