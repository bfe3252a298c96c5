"""Telling a client's URL what happened.

Lives here: delivery: once, never, twice or late. Does not live here: what is told.
Invariant: nothing is ever retried, and whatever is not sent is recorded.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2

from payme_sim.faults import FaultKind, Faults, Product
from payme_sim.outcomes import Delivery
from payme_sim.transcript import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from payme_sim.clock import Clock
    from payme_sim.settings import Settings
    from payme_sim.transcript import Transcript

_DELIVERY_FAULTS = frozenset({FaultKind.LOST, FaultKind.LATE, FaultKind.TWICE})
_CONTENT_TYPE = {"Content-Type": "application/json;charset=UTF-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to a URL; the faults of `product` strike it, `facts` tell the transcript what it is about."""

    product: Product
    url: str
    body: bytes
    msisdn: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def told(self) -> dict[str, Any]:
        """List what the transcript says of the letter."""
        return {"product": self.product, "callback_url": self.url, "msisdn": self.msisdn, **self.facts}


class Courier:
    """Delivers letters; each delivery waits for the receiver's answer and then forgets it."""

    def __init__(self, clock: Clock, faults: Faults, *, settings: Settings, transcript: Transcript) -> None:
        """Deliver by the clock's time, subject to the faults ordered."""
        # A connection kept open could have died with its receiver, and there is no second try.
        limits = httpx2.Limits(max_keepalive_connections=0)
        self._client = httpx2.AsyncClient(trust_env=False, limits=limits)
        self._clock = clock
        self._faults = faults
        self._settings = settings
        self._transcript = transcript

    async def dispatch(self, letter: Letter, delivery: Delivery) -> None:
        """Deliver a letter in the given manner, unless a fault says otherwise."""
        fault = self._faults.take(letter.product, letter.msisdn, kinds=_DELIVERY_FAULTS)
        if fault is not None:
            self._transcript.record(Event.FAULT, kind=fault.kind, **letter.told)
        if delivery is Delivery.NEVER or (fault and fault.kind is FaultKind.LOST):
            why = "fault: lost" if fault else "this number's callbacks are always lost"
            self._transcript.record(Event.CALLBACK_NOT_SENT, reason=why, **letter.told)
        elif fault and fault.kind is FaultKind.LATE:
            self._send_later(letter, fault.seconds)
        elif delivery is Delivery.TWICE or (fault and fault.kind is FaultKind.TWICE):
            await asyncio.gather(self.send(letter), self.send(letter))
        else:
            await self.send(letter)

    async def send(self, letter: Letter, *, seconds: float | None = None) -> str | None:
        """Send a letter now and return the text of a 200, or None; `seconds` are real ones."""
        facts = letter.told | {"body": json.loads(letter.body)}
        timeout = seconds or self._settings.callback_timeout_seconds
        headers = {**_CONTENT_TYPE, **letter.headers}
        try:
            reply = await self._client.post(letter.url, content=letter.body, headers=headers, timeout=timeout)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            self._transcript.record(Event.CALLBACK_FAILED, reason=f"{type(error).__name__}: {error}", **facts)
            return None
        self._transcript.record(Event.CALLBACK_SENT, status=reply.status_code, reply=reply.text[:500], **facts)
        return reply.text if reply.status_code == 200 else None

    def _send_later(self, letter: Letter, seconds: float) -> None:
        async def send() -> None:
            await self.send(letter)

        self._transcript.record(Event.CALLBACK_SCHEDULED, in_seconds=seconds, **letter.told)
        self._clock.call_after(seconds, send)
