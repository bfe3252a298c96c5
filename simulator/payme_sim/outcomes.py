"""What becomes of a prompt: the table of number suffixes and the texts of result codes.

Lives here: data. Does not live here: timers, money, delivery.
Invariant: two digits of the number choose (its last, unless told otherwise), and nothing else does unless a person or a
fault steps in.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

Digits = Literal["last", "first"]
"""Which two digits of a number tell what becomes of it: its last, or those after 2547."""
_PREFIX: Final = 4
PAID = "0"
CANCELLED = "1032"
UNREACHABLE = "1037"
WRONG_PIN = "2001"
PROMPT_NOT_SENT = "1025"
WRONG_PRODUCT = "2028"
NO_SUCH_OPERATOR = "SFC_IC0003"
STILL_PROCESSING = "4999"

RESULT_TEXTS = {
    "0": "The service request is processed successfully.",
    "1": "The balance is insufficient for the transaction.",
    "2": "Declined due to limit rule: less than the minimum transaction amount.",
    "3": "Declined due to limit rule: greater than the maximum transaction amount.",
    "4": "Declined due to limit rule: would exceed the daily transfer limit.",
    "8": "Declined due to limit rule: would exceed the maximum balance.",
    "11": "The DebitParty is in an invalid state.",
    "17": "Rule limited.",
    "21": "The initiator is not allowed to initiate this request.",
    "25": "One or more parameters are invalid.",
    "26": "System busy. Traffic blocking condition in place.",
    "1001": "Unable to lock subscriber, a transaction is already in process for the current subscriber",
    "1019": "Transaction has expired.",
    "1025": "An error occurred while sending a push request.",
    "1031": "Request cancelled by user",
    "1032": "Request cancelled by user",
    "1036": "SMSC ACK timeout.",
    "1037": "DS timeout user cannot be reached",
    "2001": "The initiator information is invalid.",
    "2006": "Declined due to account rule: the account status does not allow this transaction.",
    "2028": "The request is not permitted according to product assignment.",
    "2029": "The request is not permitted according to organization status.",
    "2032": "The transaction receipt number does not exist.",
    "2040": "Credit Party customer type (Unregistered or Registered Customer) can't be supported by the service.",
    "4999": "The transaction is still under processing",
    "8006": "The security credential is locked.",
    "9999": "An error occurred while sending a push request.",
    "SFC_IC0003": "The operator does not exist.",
    "E3008": "Error, the user has a bad debt contract.",
}


class Delivery(StrEnum):
    """How the result reaches the callback URL."""

    ONCE = "once"
    NEVER = "never"
    BEFORE_ANSWER = "before_answer"
    TWICE = "twice"
    AFTER_FAILURE = "after_failure"
    QUEUE_TIMEOUT = "queue_timeout"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the suffix table.

    With AFTER_FAILURE the query says `query_says` until `callback_seconds` after the decision, when the payment
    turns out to have succeeded.
    """

    code: str
    meaning: str
    delivery: Delivery = Delivery.ONCE
    query_says: str | None = None
    callback_seconds: float = 0.0
    amount_differs: bool = False

    @property
    def shown(self) -> bool:
        """Tell whether the phone shows the prompt: it does where somebody goes on to pay."""
        return self.code == PAID


BY_SUFFIX = {
    "00": Outcome(PAID, "paid"),
    "01": Outcome("1", "not enough money"),
    "17": Outcome("17", "same amount again within 2 minutes"),
    "19": Outcome("1019", "expired"),
    "26": Outcome("26", "system busy"),
    "32": Outcome(CANCELLED, "cancelled by the customer"),
    "37": Outcome(UNREACHABLE, "phone not reached"),
    "20": Outcome(WRONG_PIN, "wrong PIN"),
    "28": Outcome(WRONG_PRODUCT, "product not assigned"),
    "03": Outcome(NO_SUCH_OPERATOR, "operator does not exist"),
    "08": Outcome("E3008", "bad debt contract"),
    "99": Outcome("9999", "prompt could not be sent"),
    "40": Outcome(PAID, "paid, callback lost", Delivery.NEVER),
    "41": Outcome(PAID, "paid, callback before the response", Delivery.BEFORE_ANSWER),
    "42": Outcome(PAID, "paid, callback twice", Delivery.TWICE),
    "43": Outcome(PAID, "query says 1037, success after 10 minutes", Delivery.AFTER_FAILURE, UNREACHABLE, 600),
    "44": Outcome(PAID, "query says 1032, success after 90 seconds", Delivery.AFTER_FAILURE, CANCELLED, 90),
    "45": Outcome(PAID, "another amount than asked is paid", amount_differs=True),
}


# What the number of somebody who is paid stands for; any other is paid without trouble.
BY_RECIPIENT = {
    "01": Outcome("1", "not enough money in the account"),
    "02": Outcome("2", "less than the minimum"),
    "03": Outcome(NO_SUCH_OPERATOR, "operator does not exist"),
    "04": Outcome("4", "daily limit"),
    "08": Outcome("8", "the recipient's wallet is full"),
    "11": Outcome("11", "the paying account is not in order"),
    "20": Outcome("2040", "recipient not registered"),
    "21": Outcome("21", "operator lacks the role"),
    "28": Outcome(WRONG_PRODUCT, "product not assigned"),
    "40": Outcome(PAID, "paid, result lost", Delivery.NEVER),
    "42": Outcome(PAID, "paid, result twice", Delivery.TWICE),
    "43": Outcome(PAID, "queue timeout, then paid after 60 seconds", Delivery.QUEUE_TIMEOUT, None, 60),
}


def outcome_for(msisdn: str, digits: Digits) -> Outcome | None:
    """Find the row of a number's telling digits; None means that a person answers."""
    return BY_SUFFIX.get(_telling(msisdn, digits))


def outcome_of_payout(msisdn: str, digits: Digits) -> Outcome | None:
    """Find the row of the number of somebody who is paid; None means that nothing goes wrong."""
    return BY_RECIPIENT.get(_telling(msisdn, digits))


def _telling(msisdn: str, digits: Digits) -> str:
    return msisdn[-2:] if digits == "last" else msisdn[_PREFIX : _PREFIX + 2]


def result_text(code: str) -> str:
    """Spell a result code the way the provider does."""
    return RESULT_TEXTS.get(code, "The transaction failed.")


def other_amount(amount: int) -> int:
    """Give one shilling less than asked, or one more where that would be nothing."""
    return amount - 1 if amount > 1 else amount + 1


def wire_code(code: str) -> int | str:
    """Give a result code its type in a callback: digits travel as a number, the rest as a string."""
    return int(code) if code.isdigit() else code
