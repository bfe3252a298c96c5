"""Requests that are accepted at once and carried out a moment later: from the acceptance to the result.

Lives here: ids, timers, who is let in, which result is told and how. Does not live here: what an operation does, and
the result's body. Invariant: an operation is carried out at most once, and an id that a caller chose names one at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from payme_sim.courier import Letter
from payme_sim.daraja.results import result_body, timeout_body
from payme_sim.faults import FaultKind, Product
from payme_sim.initiators import ALLOWED
from payme_sim.outcomes import PAID, Delivery, Outcome
from payme_sim.transcript import Event

if TYPE_CHECKING:
    from payme_sim.apps import ShortCode
    from payme_sim.initiators import Initiators
    from payme_sim.movements import Movement, Order
    from payme_sim.parts import Parts

_FASTEST_SECONDS, _SLOWEST_SECONDS = 1.0, 3.0


class DuplicateId(Exception):
    """The caller chose an id that it has chosen before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of an operation; a parameter whose value is None travels without one."""

    code: str
    movement: Movement | None = None
    parameters: tuple[tuple[str, Any], ...] = ()
    references: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is to be done and for whom; `outcome` is what the recipient's number stands for, `order` what would move."""

    product: Product
    shortcode: ShortCode
    initiator: str
    credential: str
    result_url: str
    timeout_url: str
    perform: Callable[[Operation], Verdict]
    order: Order | None = None
    msisdn: str | None = None
    own_id: str | None = None
    outcome: Outcome | None = None


@dataclass(slots=True, kw_only=True)
class Operation:
    """One accepted errand; without a verdict it is still to be carried out."""

    errand: Errand = field(repr=False)
    conversation_id: str
    originator_conversation_id: str
    accepted_at: datetime
    verdict: Verdict | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """List what the transcript says of it."""
        return {
            "conversation_id": self.conversation_id,
            "originator_conversation_id": self.originator_conversation_id,
        }


class Operations:
    """Every operation of this run."""

    def __init__(self, parts: Parts, initiators: Initiators) -> None:
        """Begin with none."""
        self._parts = parts
        self._initiators = initiators
        self._by_id: dict[str, Operation] = {}
        self._by_receipt: dict[str, Operation] = {}

    async def accept(self, errand: Errand) -> Operation:
        """Accept an errand and carry it out in a moment, or at once where a fault wants the result first.

        Raises: DuplicateId; nothing has happened then.
        """
        parts = self._parts
        if errand.own_id is not None and errand.own_id in self._by_id:
            raise DuplicateId
        operation = Operation(
            errand=errand,
            conversation_id=parts.dice.conversation_id(),
            originator_conversation_id=errand.own_id or parts.dice.request_id(),
            accepted_at=parts.clock.now(),
        )
        self._by_id[operation.conversation_id] = self._by_id[operation.originator_conversation_id] = operation
        if parts.faults.take(errand.product, errand.msisdn, kinds={FaultKind.BEFORE_ANSWER}):
            await self._conclude(operation)
        else:
            parts.clock.call_after(self._delay_seconds(), lambda: self._reach(operation))
        return operation

    def find(self, some_id: str) -> Operation | None:
        """Find an operation by either of its ids."""
        return self._by_id.get(some_id)

    def that_moved(self, receipt: str) -> Operation | None:
        """Find the operation that moved money under this receipt."""
        return self._by_receipt.get(receipt)

    async def _reach(self, operation: Operation) -> None:
        """Carry an operation out when its turn comes, or let it wait in the queue and say so."""
        errand, parts = operation.errand, self._parts
        fault = parts.faults.take(errand.product, errand.msisdn, kinds={FaultKind.QUEUE_TIMEOUT})
        by_number = errand.outcome is not None and errand.outcome.delivery is Delivery.QUEUE_TIMEOUT
        if fault is None and not by_number:
            await self._conclude(operation)
            return
        seconds = errand.outcome.callback_seconds if errand.outcome and fault is None else 0.0
        seconds = fault.seconds if fault else seconds * parts.settings.callback_scale
        parts.transcript.record(Event.CALLBACK_SCHEDULED, in_seconds=seconds, reason="queue", **operation.facts)
        parts.clock.call_after(seconds, lambda: self._conclude(operation))
        await parts.courier.send(self._letter(operation, errand.timeout_url, timeout_body(operation)))

    async def _conclude(self, operation: Operation) -> None:
        errand, parts = operation.errand, self._parts
        verdict = operation.verdict = self._verdict(operation)
        receipt = verdict.movement.receipt if verdict.movement else None
        if receipt is not None:
            self._by_receipt[receipt] = operation
        facts = {"product": errand.product, "msisdn": errand.msisdn, "callback_url": errand.result_url}
        parts.transcript.record(Event.RESULT, result_code=verdict.code, receipt=receipt, **facts, **operation.facts)
        body = result_body(operation, at=parts.clock.nairobi(), portal_style=parts.settings.portal_style)
        delivery = errand.outcome.delivery if errand.outcome and verdict.code == PAID else Delivery.ONCE
        await parts.courier.dispatch(self._letter(operation, errand.result_url, body), delivery)

    def _verdict(self, operation: Operation) -> Verdict:
        """Decide: the operator, then a fault, then the recipient's number, then the operation itself."""
        errand = operation.errand
        code = self._initiators.check(errand.shortcode, name=errand.initiator, credential=errand.credential)
        if code != ALLOWED:
            return Verdict(code=code)
        if fault := self._parts.faults.take(errand.product, errand.msisdn, kinds={FaultKind.RESULT}):
            assert fault.code is not None, "FaultOrder requires it"
            return Verdict(code=fault.code)
        if errand.outcome is not None and errand.outcome.code != PAID:
            return Verdict(code=errand.outcome.code)
        return errand.perform(operation)

    def _letter(self, operation: Operation, url: str, body: bytes) -> Letter:
        errand = operation.errand
        return Letter(product=errand.product, url=url, body=body, msisdn=errand.msisdn, facts=operation.facts)

    def _delay_seconds(self) -> float:
        drawn = self._parts.dice.seconds_between("result", low=_FASTEST_SECONDS, high=_SLOWEST_SECONDS)
        return drawn * self._parts.settings.callback_scale
