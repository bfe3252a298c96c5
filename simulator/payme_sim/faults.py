"""Misfortunes ordered in advance, each for a counted number of times.

Lives here: what was ordered and what is left of it. Does not live here: carrying a fault out.
Invariant: a fault strikes at most `count` times, in the order in which faults were ordered.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Product(StrEnum):
    """The part of the provider that a fault strikes."""

    OAUTH = "oauth"
    STK_PUSH = "stkpush"
    STK_QUERY = "stkquery"
    CALLBACK = "callback"
    C2B_REGISTER = "c2bregister"
    C2B_SIMULATE = "c2bsimulate"
    VALIDATION = "validation"
    CONFIRMATION = "confirmation"
    B2C = "b2c"
    B2POCHI = "b2pochi"
    B2B = "b2b"
    REMITTAX = "remittax"
    STATUS = "status"
    BALANCE = "balance"
    REVERSAL = "reversal"
    QR = "qr"
    PULL_REGISTER = "pullregister"
    PULL = "pull"
    RATIBA = "ratiba"


class FaultKind(StrEnum):
    """The ways in which things go wrong."""

    HANG = "hang"
    RESET = "reset"
    HTML = "html"
    EMPTY_400 = "empty_400"
    SPIKE_429 = "spike_429"
    BUSY = "busy"
    OUTAGE = "outage"
    EMPTY_MESSAGE = "empty_message"
    KILLED_TOKEN = "killed_token"
    RESULT = "result"
    LOST = "lost"
    LATE = "late"
    TWICE = "twice"
    BEFORE_ANSWER = "before_answer"
    OTHER_AMOUNT = "other_amount"
    QUEUE_TIMEOUT = "queue_timeout"


_DELIVERED = frozenset({FaultKind.LOST, FaultKind.LATE, FaultKind.TWICE})
CALLBACK_KINDS = _DELIVERED | {FaultKind.BEFORE_ANSWER, FaultKind.OTHER_AMOUNT}
RESULT_KINDS = _DELIVERED | {FaultKind.BEFORE_ANSWER, FaultKind.QUEUE_TIMEOUT, FaultKind.RESULT}
REQUEST_KINDS = frozenset(FaultKind) - CALLBACK_KINDS - RESULT_KINDS
# These answer at once and tell the result later, at a URL of its own.
ASYNCHRONOUS = frozenset(
    {
        Product.B2C,
        Product.B2POCHI,
        Product.B2B,
        Product.REMITTAX,
        Product.STATUS,
        Product.BALANCE,
        Product.REVERSAL,
    }
)
_OTHER_KINDS = {
    Product.STK_PUSH: REQUEST_KINDS | {FaultKind.RESULT},
    Product.STK_QUERY: REQUEST_KINDS | {FaultKind.RESULT},
    Product.CALLBACK: CALLBACK_KINDS,
    Product.VALIDATION: frozenset({FaultKind.LOST}),
    Product.CONFIRMATION: _DELIVERED | {FaultKind.OTHER_AMOUNT},
    Product.RATIBA: REQUEST_KINDS | _DELIVERED | {FaultKind.RESULT},
}
# These two mean an accepted request whose answer never comes: the client cannot know that it was accepted.
ACCEPTED_KINDS = frozenset({FaultKind.HANG, FaultKind.RESET})


class FaultOrder(BaseModel):
    """What to break, how often, and for whom; seconds are virtual."""

    model_config = ConfigDict(extra="forbid")

    product: Product
    kind: FaultKind
    count: int = Field(default=1, ge=1, le=1_000_000)
    msisdn: str | None = Field(default=None, description="Only for this number; any number without it.")
    seconds: float = Field(default=60.0, ge=0, description="hang, late, queue_timeout")
    status: int = Field(default=503, ge=200, le=599, description="html, outage")
    amount: int | None = Field(default=None, ge=1, description="other_amount, whole shillings")
    code: str | None = Field(default=None, description="result: the result code")
    after_accept: bool | None = Field(default=None, description="Strike after the request took effect.")

    @model_validator(mode="after")
    def _fits_product(self) -> Self:
        if self.kind not in kinds_of(self.product):
            message = f"{self.kind} does not happen to {self.product}"
            raise ValueError(message)
        if self.kind is FaultKind.RESULT and self.code is None:
            message = "result needs a code"
            raise ValueError(message)
        return self

    @property
    def strikes_after_accept(self) -> bool:
        """Tell whether the request takes effect before the fault strikes."""
        return self.kind in ACCEPTED_KINDS if self.after_accept is None else self.after_accept


def kinds_of(product: Product) -> frozenset[FaultKind]:
    """List what can happen to a product."""
    kinds = REQUEST_KINDS | RESULT_KINDS if product in ASYNCHRONOUS else REQUEST_KINDS
    return _OTHER_KINDS.get(product, kinds)


class Fault(FaultOrder):
    """An order with its id and what is left of it."""

    id: int
    remaining: int


class Faults:
    """The queue of ordered faults."""

    def __init__(self) -> None:
        """Begin with none."""
        self._ids = itertools.count(1)
        self.waiting: list[Fault] = []

    def order(self, order: FaultOrder) -> Fault:
        """Add a fault behind those already ordered."""
        fault = Fault(**order.model_dump(), id=next(self._ids), remaining=order.count)
        self.waiting.append(fault)
        return fault

    def cancel(self, fault_id: int | None = None) -> int:
        """Remove one fault, or all; return how many were removed."""
        before = len(self.waiting)
        self.waiting = [fault for fault in self.waiting if fault_id is not None and fault.id != fault_id]
        return before - len(self.waiting)

    def take(self, product: Product, msisdn: str | None, *, kinds: Collection[FaultKind]) -> Fault | None:
        """Use up one strike of the first fault of these kinds that fits, if any."""
        return self._take(product, msisdn, kinds=kinds, after_accept=None)

    def take_for_request(self, product: Product, msisdn: str | None, *, after_accept: bool) -> Fault | None:
        """Use up one strike of the first fault that changes the answer at this stage, if any."""
        return self._take(product, msisdn, kinds=REQUEST_KINDS, after_accept=after_accept)

    def _take(
        self, product: Product, msisdn: str | None, *, kinds: Collection[FaultKind], after_accept: bool | None
    ) -> Fault | None:
        for fault in self.waiting:
            fits = fault.product is product and fault.kind in kinds and fault.msisdn in {None, msisdn}
            if fits and after_accept in {None, fault.strikes_after_accept}:
                fault.remaining -= 1
                if fault.remaining == 0:
                    self.waiting.remove(fault)
                return fault
        return None
