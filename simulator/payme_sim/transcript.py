"""What was received, answered, sent, and deliberately not sent, in order.

Lives here: the record and its masking. Does not live here: deciding what happens.
Invariant: no credential is kept: not a password, a token, a key or a PIN.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, cast

from payme_sim.clock import Clock

KEPT_ENTRIES = 20_000
_SECRET_KEYS = frozenset({"password", "access_token", "pin", "consumer_secret", "securitycredential", "passkey"})
MASK = "***"


class Event(StrEnum):
    """The kinds of entry."""

    REQUEST = "request"
    ANSWER = "answer"
    NO_ANSWER = "no_answer"
    PAYMENT = "payment"
    PROMPT_SHOWN = "prompt_shown"
    PROMPT_ANSWERED = "prompt_answered"
    RESULT = "result"
    CALLBACK_SCHEDULED = "callback_scheduled"
    CALLBACK_SENT = "callback_sent"
    CALLBACK_FAILED = "callback_failed"
    CALLBACK_NOT_SENT = "callback_not_sent"
    FAULT = "fault"
    CLOCK = "clock"


class Transcript:
    """A bounded record, newest last."""

    def __init__(self, clock: Clock) -> None:
        """Begin empty."""
        self._clock = clock
        self._numbers = itertools.count(1)
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT_ENTRIES)

    def record(self, event: Event, **facts: Any) -> dict[str, Any]:
        """Add an entry at the virtual instant and return it; secrets are masked, facts that are None left out."""
        entry: dict[str, Any] = {"number": next(self._numbers), "at": self._clock.now().isoformat(), "event": event}
        entry |= {key: masked(value) for key, value in facts.items() if value is not None}
        self._entries.append(entry)
        return entry

    def select(self, wanted: Mapping[str, str], *, after: int = 0, limit: int = 1000) -> list[dict[str, Any]]:
        """List entries whose facts equal all of `wanted`, oldest first."""
        chosen = (
            entry
            for entry in self._entries
            if entry["number"] > after and all(str(entry.get(key)) == value for key, value in wanted.items())
        )
        return list(itertools.islice(chosen, limit))


def masked(value: Any) -> Any:
    """Copy a JSON value with every secret replaced."""
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, Any]", value)
        return {key: MASK if key.lower() in _SECRET_KEYS else masked(inner) for key, inner in pairs.items()}
    if isinstance(value, list):
        return [masked(inner) for inner in cast("list[Any]", value)]
    return value


def masked_authorization(header: str | None) -> str | None:
    """Keep the scheme of an Authorization header and hide the rest."""
    return None if header is None else f"{header.split(' ', 1)[0]} {MASK}"
