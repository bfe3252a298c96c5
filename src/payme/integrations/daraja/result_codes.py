"""The result codes of M-Pesa as data: what each one means for the payment, and why.

A code is compared as text, because 0, "0", "1032" and "SFC_IC0003" all occur. A code that is not listed means unknown:
the payment stays as it is and is asked about. What people are told stands in `wording`.

Source: Daraja portal, M-Pesa Express result codes, and codes seen on the wire (2001 as wrong PIN, 4999, E3008).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Product(StrEnum):
    """A family of calls with its own list of codes: 2001 is a wrong PIN here and a wrong initiator elsewhere."""

    STK = "stk"


class Standing(StrEnum):
    """What a message says about the money. Only PAID and FAILED are verdicts."""

    PAID = "paid"
    FAILED = "failed"
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


@dataclass(frozen=True, slots=True)
class ResultRule:
    """One row of the table. A reason belongs to FAILED alone."""

    standing: Standing
    reason: Reason | None = None


def _failed(reason: Reason) -> ResultRule:
    return ResultRule(Standing.FAILED, reason)


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

RESULT_CODES: Mapping[Product, Mapping[str, ResultRule]] = MappingProxyType({Product.STK: MappingProxyType(_STK)})


def rule_for(product: Product, code: object) -> ResultRule:
    """Return what a code means, by its text alone; anything that is not listed, or no text or number, is UNKNOWN."""
    if isinstance(code, bool) or code is None:
        return UNLISTED
    return RESULT_CODES[product].get(str(code), UNLISTED)
