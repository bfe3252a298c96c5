"""The stored events of one business, read forwards from a position."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime

    from payme.runtime.database import UnitOfWork

BATCH: Final = 200
_LAST_ID: Final = UUID(int=(1 << 128) - 1)
_LATEST = """
-- events.latest_sequence
select seq from sync_counters where business_id = $1
"""
_AFTER = """
-- events.list_after
select seq, id, name, subject_id, payload, recorded_at from events
where business_id = $1 and (seq, id) > ($2, $3) order by seq, id limit $4
"""


@dataclass(frozen=True, slots=True)
class Position:
    """The last event that was read; a sequence number alone means all events that carry it."""

    sequence: int
    id: UUID = _LAST_ID


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it was stored."""

    sequence: int
    id: UUID
    name: str
    subject_id: UUID
    payload: Any
    recorded_at: datetime

    @property
    def position(self) -> Position:
        """Where reading goes on after this event."""
        return Position(self.sequence, self.id)

    def as_json(self) -> str:
        """Return the event as one line of JSON."""
        document = {
            "id": str(self.id),
            "type": self.name,
            "subject_id": str(self.subject_id),
            "recorded_at": self.recorded_at.isoformat(),
            "data": self.payload,
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


async def latest_position(uow: UnitOfWork) -> Position:
    """Return the position of a reader who wants only what comes from now on."""
    return Position(await uow.fetchval(_LATEST, uow.tenant) or 0)


async def list_events(uow: UnitOfWork, after: Position, *, limit: int = BATCH) -> list[StoredEvent]:
    """Return the next events after a position, in the order they were committed."""
    rows = await uow.fetch(_AFTER, uow.tenant, after.sequence, after.id, limit)
    return [
        StoredEvent(row["seq"], row["id"], row["name"], row["subject_id"], row["payload"], row["recorded_at"])
        for row in rows
    ]
