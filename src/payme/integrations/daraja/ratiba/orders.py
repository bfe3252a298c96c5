"""A standing order: what the customer is asked to allow, and the answer to that request.

The payments themselves arrive as ordinary news of payments. The order needs a contract with Safaricom.
Source: Daraja portal, M-Pesa Ratiba; "Marchant" is Safaricom's spelling.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from payme.integrations.daraja.answers import Answer
from payme.integrations.daraja.credentials import ShortcodeKind
from payme.integrations.daraja.errors import DarajaUnknown, InvalidRequest
from payme.integrations.daraja.field_rules import require_msisdn, require_shillings, require_shortcode, require_text
from payme.integrations.daraja.fields import Fields
from payme.integrations.daraja.operations.accounts import IdentifierType
from payme.integrations.daraja.outcomes import fault_in
from payme.integrations.daraja.requests import is_request_id
from payme.integrations.daraja.wire import as_object

LONGEST_NAME, LONGEST_DESCRIPTION = 64, 13
_ACCEPTED = "200"
_ACCOUNT_REFERENCE = re.compile(r"[A-Za-z0-9-]{1,12}", re.ASCII)


class Frequency(StrEnum):
    """How often M-Pesa pays."""

    ONE_OFF = "1"
    DAILY = "2"
    WEEKLY = "3"
    MONTHLY = "4"
    BI_MONTHLY = "5"
    QUARTERLY = "6"
    HALF_YEARLY = "7"
    YEARLY = "8"


_TYPES = {
    ShortcodeKind.PAYBILL: ("Standing Order Customer Pay Bill", IdentifierType.SHORTCODE),
    ShortcodeKind.BUY_GOODS: ("Standing Order Customer Pay Marchant", IdentifierType.TILL),
}


@dataclass(frozen=True, slots=True)
class StandingOrder:
    """One standing order of one customer, from one Nairobi day to another; its name is unique for the customer.

    `amount_cents` is each payment, in whole shillings.

    Raises: WholeShillingsOnly, InvalidRequest.
    """

    kind: ShortcodeKind
    shortcode: str
    name: str
    msisdn: str = field(repr=False)
    amount_cents: int
    frequency: Frequency
    starts_on: date
    ends_on: date
    callback_url: str = field(repr=False)
    account_reference: str
    description: str

    def __post_init__(self) -> None:
        require_shortcode(self.shortcode)
        require_text(self.name, field="name", shortest=1, longest=LONGEST_NAME)
        require_msisdn(self.msisdn)
        require_shillings(self.amount_cents)
        if self.ends_on < self.starts_on:
            raise InvalidRequest(field="ends_on", rule="not before the start")
        if _ACCOUNT_REFERENCE.fullmatch(self.account_reference) is None:
            raise InvalidRequest(field="account_reference", rule="1 to 12 letters, digits and hyphens")
        require_text(self.description, field="description", shortest=1, longest=LONGEST_DESCRIPTION)

    def body(self) -> dict[str, str | int]:
        """Return the JSON body."""
        transaction_type, receiver_type = _TYPES[self.kind]
        return {
            "StandingOrderName": self.name,
            "StartDate": self.starts_on.strftime("%Y%m%d"),
            "EndDate": self.ends_on.strftime("%Y%m%d"),
            "BusinessShortCode": self.shortcode,
            "TransactionType": transaction_type,
            "ReceiverPartyIdentifierType": receiver_type.value,
            "Amount": str(require_shillings(self.amount_cents)),
            "PartyA": require_msisdn(self.msisdn),
            "CallBackURL": self.callback_url,
            "AccountReference": self.account_reference,
            "TransactionDesc": self.description,
            "Frequency": self.frequency.value,
        }


@dataclass(frozen=True, slots=True)
class StandingOrderAccepted:
    """Safaricom asks the customer; whether he or she allows it comes to the callback address under this reference."""

    reference: str


def judge_standing_order(answer: Answer) -> StandingOrderAccepted:
    """Return the acceptance in an answer to a standing order.

    Raises: DarajaRefused, DarajaUnavailable, DarajaUnknown (the customer may have been asked).
    """
    header = Fields(as_object(Fields(answer.payload).value("ResponseHeader")))
    if answer.error_code or answer.fault_text or header.text("responseCode") != _ACCEPTED:
        raise fault_in(answer)
    reference = header.text("responseRefID", longest=129)
    if not is_request_id(reference):
        raise DarajaUnknown("daraja.unexplained_answer", status=answer.status, text="accepted without an id")
    return StandingOrderAccepted(reference)
