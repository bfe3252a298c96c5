"""What becomes of a command, and what a person should look at. No database, no clock.

Invariant: a fact is never refused for what a business does not allow; only what is no fact is rejected.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

SCHEMA_VERSIONS: Final = frozenset({1, 2})
OLDEST: Final = timedelta(hours=48)
AHEAD: Final = timedelta(minutes=5)
_TRAVEL: Final = timedelta(seconds=2)
"""A difference that the way of a request explains is none."""
_LARGEST_SKEW: Final = timedelta(days=3650)
# Its effect is here already, under an id that its maker gave: there is nothing for a person to decide.
_REPEATED: Final = frozenset({"sales.exists", "sales.refund_exists", "stock.already_recorded", "sync.sequence_reused"})


def measure_skew(client_milliseconds: int | None, now: datetime) -> timedelta:
    """Return by how much the server is ahead of a device's clock; none where the device did not say or says nonsense."""
    if client_milliseconds is None:
        return timedelta(0)
    server_milliseconds = int(now.timestamp()) * 1000 + now.microsecond // 1000
    difference = timedelta(milliseconds=server_milliseconds - client_milliseconds)
    return difference if _TRAVEL < abs(difference) <= _LARGEST_SKEW else timedelta(0)


def odd_about_time(occurred_at: datetime, corrected_at: datetime, now: datetime) -> list[str]:
    """Return what is odd about when something happened: by the device's clock, and by it corrected."""
    odd: list[str] = []
    if abs(corrected_at - occurred_at) > AHEAD:
        odd.append("clock_differs")
    if now - corrected_at > OLDEST or now - occurred_at > OLDEST:
        odd.append("occurred_long_ago")
    if corrected_at - now > AHEAD or occurred_at - now > AHEAD:
        odd.append("occurred_ahead")
    return odd


def is_rejected(code: str, *, handed_over: bool) -> bool:
    """Say whether a refusal ends a command; else it is kept for a person, because what it tells of has happened."""
    return not handed_over or code in _REPEATED


def fingerprint(document: Mapping[str, Any]) -> str:
    """Return the hash of a command as it was sent; an approver's PIN is no part of it."""
    args: dict[str, Any] = dict(document["args"])
    if isinstance(args.get("approver"), dict):
        args["approver"] = {**args["approver"], "pin": None}
    plain = json.dumps({**document, "args": args}, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def hash_of_range(commands: Iterable[tuple[int, UUID]]) -> str:
    """Return what a device and the server compare a range of commands by."""
    return hashlib.sha256("\n".join(f"{sequence}:{each}" for sequence, each in sorted(commands)).encode()).hexdigest()
