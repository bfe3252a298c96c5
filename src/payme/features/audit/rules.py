"""The chain as arithmetic: each link hashes the one before it together with the canonical form of one row.

A verifier in another language needs this module's few lines and nothing else: RFC 8785 (JSON canonicalisation) and SHA-256.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import rfc8785

GENESIS_LABEL: Final = b"payme.audit.chain.1\n"
HEAD_GROUP: Final = 8
HEXADECIMAL: Final = frozenset("0123456789abcdef")
ANCHORED: Final = "audit.head"
"""The event under which a head is written into the log."""
LARGEST_EXACT_INTEGER: Final = 2**53 - 1
"""Beyond it a JSON number is not the same in every language; RFC 8785 refuses it."""


def genesis(business_id: UUID) -> bytes:
    """Return the hash that stands before the first link of a business's chain."""
    return hashlib.sha256(GENESIS_LABEL + business_id.bytes).digest()


def link(previous: bytes, row: dict[str, Any]) -> bytes:
    """Return SHA-256 over the previous hash followed by the canonical JSON of a row.

    Raises: rfc8785.CanonicalizationError for a row that has no canonical form; PayMe writes none.
    """
    return hashlib.sha256(previous + rfc8785.dumps(row)).digest()


def written_head(head: str) -> str:
    """Return a head as it is noted outside: in groups, because a log takes a long run of letters and digits for a secret."""
    return ":".join(head[place : place + HEAD_GROUP] for place in range(0, len(head), HEAD_GROUP))


def read_head(text: str) -> str:
    """Return the plain hexadecimal of a head as somebody noted it."""
    return "".join(letter for letter in text.lower() if letter in HEXADECIMAL)


@dataclass(frozen=True, slots=True)
class NotedHead:
    """The head of a chain at a position, as it was written outside the database; hexadecimal."""

    business_id: UUID
    position: int
    head: str


def noted_head(line: str) -> NotedHead | None:
    """Return the head that a line of a worker's log notes, or None where it notes none; what stands before the JSON is skipped."""
    if ANCHORED not in line:
        return None
    try:
        said = json.loads(line[line.index("{") :])
        if said["event"] != ANCHORED:
            return None
        return NotedHead(UUID(said["business_id"]), int(said["position"]), read_head(said["head"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def sealed_form(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a link covers: every column that says what happened, as JSON values.

    The transaction's number is left out: it orders the sealing and means nothing in another database.
    """
    recorded_at: datetime = row["recorded_at"]
    return {
        "id": str(row["id"]),
        "business_id": str(row["business_id"]),
        "actor_kind": row["actor_kind"],
        "actor_id": str(row["actor_id"]),
        "action": row["action"],
        "subject_id": str(row["subject_id"]),
        "facts": row["facts"],
        "recorded_at": recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
    }


def plain(value: Any) -> Any:
    """Return a fact as JSON that every language reads alike: ids, decimals, times and giant integers become text."""
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- facts are free-form
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType] -- facts are free-form
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_EXACT_INTEGER else str(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)
