"""The result codes of M-Pesa as data: what each one means for the payment, and why.

A code is compared as text, because 0, "0", "1032" and "SFC_IC0003" all occur. A code that is not listed means unknown:
the payment stays as it is and is asked about. What people are told stands in `wording`. The same number means different
things to different products: 2001 is a customer's wrong PIN in a prompt and our operator's wrong password elsewhere.

Source: Daraja portal, result codes of each product, and codes seen on the wire (2001 as wrong PIN, 4999, E3008, 2032).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Product(StrEnum):
    """A family of calls with its own list of codes. B2C is also B2Pochi; RATIBA is standing orders."""

    STK = "stk"
    B2C = "b2c"
    B2B = "b2b"
    REVERSAL = "reversal"
    STATUS = "status"
    BALANCE = "balance"
    RATIBA = "ratiba"


class Standing(StrEnum):
    """What a message says about the money. Only PAID and FAILED are verdicts.

    A question or an order that moves no money is DONE or NOT_DONE: a status query that was refused says nothing about
    the payment it was to ask for, and one that was answered says it in its details.
    """

    PAID = "paid"
    FAILED = "failed"
    DONE = "done"
    NOT_DONE = "not_done"
    PENDING = "pending"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a request was refused or a payment failed, in our words."""

    FUNDS = "funds"
    LIMIT = "limit"
    REPEAT = "repeat"
    BUSY = "busy"
    LOCK = "lock"
    EXPIRED = "expired"
    NOT_SENT = "not_sent"
    CANCELLED = "cancelled"
    UNREACHABLE = "unreachable"
    PIN = "pin"
    CONFIG = "config"
    CREDENTIAL_LOCKED = "credential_locked"
    BAD_DEBT = "bad_debt"
    CUSTOMER = "customer"
    SHOP_FUNDS = "shop_funds"
    INITIATOR = "initiator"
    INITIATOR_LOCKED = "initiator_locked"
    PERMISSION = "permission"
    ACCOUNT_RULE = "account_rule"
    REQUEST = "request"
    DUPLICATE = "duplicate"
    NOT_FOUND = "not_found"
    ALREADY_REVERSED = "already_reversed"
    UNREGISTERED = "unregistered"
    RECIPIENT_LIMIT = "recipient_limit"


@dataclass(frozen=True, slots=True)
class ResultRule:
    """One row of the table. A reason belongs to FAILED and NOT_DONE alone."""

    standing: Standing
    reason: Reason | None = None


def _failed(reason: Reason) -> ResultRule:
    return ResultRule(Standing.FAILED, reason)


def _not_done(reason: Reason) -> ResultRule:
    return ResultRule(Standing.NOT_DONE, reason)


UNLISTED = ResultRule(Standing.UNKNOWN)

_STK: Mapping[str, ResultRule] = {
    "0": ResultRule(Standing.PAID),
    "1": _failed(Reason.FUNDS),
    "2": _failed(Reason.LIMIT),
    "3": _failed(Reason.LIMIT),
    "4": _failed(Reason.LIMIT),
    "8": _failed(Reason.LIMIT),
    "17": _failed(Reason.REPEAT),
    "26": _failed(Reason.BUSY),
    "1001": _failed(Reason.LOCK),
    "1019": _failed(Reason.EXPIRED),
    "1025": _failed(Reason.NOT_SENT),
    "9999": _failed(Reason.NOT_SENT),
    "1031": _failed(Reason.CANCELLED),
    "1032": _failed(Reason.CANCELLED),
    "1036": _failed(Reason.UNREACHABLE),
    "1037": _failed(Reason.UNREACHABLE),
    "2001": _failed(Reason.PIN),
    "2028": _failed(Reason.CONFIG),
    "2029": _failed(Reason.CONFIG),
    "SFC_IC0003": _failed(Reason.CONFIG),
    "8006": _failed(Reason.CREDENTIAL_LOCKED),
    "E3008": _failed(Reason.BAD_DEBT),
    "4999": ResultRule(Standing.PENDING),
}

# What both payouts and reversals are told about the shop's own account and its operator.
_ORGANISATION: Mapping[str, ResultRule] = {
    "0": ResultRule(Standing.PAID),
    "1": _failed(Reason.SHOP_FUNDS),
    "11": _failed(Reason.ACCOUNT_RULE),
    "21": _failed(Reason.PERMISSION),
    "2001": _failed(Reason.INITIATOR),
    "2006": _failed(Reason.ACCOUNT_RULE),
    "2028": _failed(Reason.CONFIG),
    "8006": _failed(Reason.INITIATOR_LOCKED),
}

_B2C: Mapping[str, ResultRule] = {
    **_ORGANISATION,
    "2": _failed(Reason.LIMIT),
    "3": _failed(Reason.LIMIT),
    "4": _failed(Reason.LIMIT),
    "8": _failed(Reason.RECIPIENT_LIMIT),
    "2040": _failed(Reason.UNREGISTERED),
    "SFC_IC0003": _failed(Reason.CUSTOMER),
    "TP40153": _failed(Reason.PERMISSION),
}

_REVERSAL: Mapping[str, ResultRule] = {
    **_ORGANISATION,
    "R000001": _failed(Reason.ALREADY_REVERSED),
    "R000002": _failed(Reason.NOT_FOUND),
}

_STATUS: Mapping[str, ResultRule] = {
    "0": ResultRule(Standing.DONE),
    "21": _not_done(Reason.PERMISSION),
    "25": _not_done(Reason.REQUEST),
    "2001": _not_done(Reason.INITIATOR),
    "2032": _not_done(Reason.NOT_FOUND),
    "8006": _not_done(Reason.INITIATOR_LOCKED),
    "SFC_IC0003": _not_done(Reason.CONFIG),
}

_BALANCE: Mapping[str, ResultRule] = {
    "0": ResultRule(Standing.DONE),
    "15": _not_done(Reason.DUPLICATE),
    "17": _not_done(Reason.BUSY),
    "18": _not_done(Reason.INITIATOR),
    "19": _not_done(Reason.REQUEST),
    "20": _not_done(Reason.INITIATOR),
    "21": _not_done(Reason.PERMISSION),
    "22": _not_done(Reason.PERMISSION),
    "24": _not_done(Reason.REQUEST),
    "25": _not_done(Reason.REQUEST),
    "26": _not_done(Reason.BUSY),
    "29": _not_done(Reason.REQUEST),
    "2001": _not_done(Reason.INITIATOR),
    "8006": _not_done(Reason.INITIATOR_LOCKED),
    "00.002.1001": _not_done(Reason.BUSY),
    **{str(gateway): _not_done(Reason.BUSY) for gateway in range(100_000_000, 100_000_012)},
}

_RATIBA: Mapping[str, ResultRule] = {
    "0": ResultRule(Standing.DONE),
    "1001": _not_done(Reason.LOCK),
    "1025": _not_done(Reason.NOT_SENT),
    "1032": _not_done(Reason.CANCELLED),
    "1037": _not_done(Reason.UNREACHABLE),
    "1050": _not_done(Reason.DUPLICATE),
    "2001": _not_done(Reason.PIN),
}

RESULT_CODES: Mapping[Product, Mapping[str, ResultRule]] = MappingProxyType(
    {
        Product.STK: MappingProxyType(_STK),
        Product.B2C: MappingProxyType(_B2C),
        Product.B2B: MappingProxyType(_ORGANISATION),
        Product.REVERSAL: MappingProxyType(_REVERSAL),
        Product.STATUS: MappingProxyType(_STATUS),
        Product.BALANCE: MappingProxyType(_BALANCE),
        Product.RATIBA: MappingProxyType(_RATIBA),
    }
)


def rule_for(product: Product, code: object) -> ResultRule:
    """Return what a code means, by its text alone; anything that is not listed, or no text or number, is UNKNOWN."""
    if isinstance(code, bool) or code is None:
        return UNLISTED
    return RESULT_CODES[product].get(str(code), UNLISTED)
