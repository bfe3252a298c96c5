"""Server-sent events: what happened in a business, as it happens, resumed from where a client left off.

The rows are the truth and the wake-up only a hint: a stream reads the stored events after its position when it is woken, and at
every heartbeat besides. A stream lives ten minutes at most, so that no open stream holds back a shutdown; clients come back by
themselves with Last-Event-ID. An event may arrive twice after a break, never not at all: its `id` in the data tells.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Query
from starlette.responses import Response

from payme.runtime.events.stream import BATCH, Position, StoredEvent, latest_position, list_events
from payme.runtime.http.access import may
from payme.runtime.http.call import Call
from payme.runtime.http.errors import LastEventUnknown
from payme.runtime.http.routing import Router
from payme.runtime.http.streaming import LiveStream, send_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Send

_LARGEST_SEQUENCE: Final = (1 << 63) - 1

router = Router(prefix="/v1/businesses/{business_id}/events", tag="events")


@router.get(
    operation="events_stream", access=may("events.read"), produces=("text/event-stream",), errors=(LastEventUnknown,)
)
async def stream_events(
    call: Call,
    *,
    names: Annotated[
        list[str] | None, Query(description="Names to hear, such as `sale.completed` or `payment.*`; all without")
    ] = None,
    last_event_id: Annotated[
        str | None, Query(description="As the header Last-Event-ID, for clients that cannot set it")
    ] = None,
) -> Response:
    """Stream what happens in the business, as server-sent events.

    Send `Last-Event-ID` to go on after an event; without it the stream begins now.
    """
    given = call.request.headers.get("last-event-id") or last_event_id
    if given is None:
        position = await call.database.run(
            latest_position, business_id=call.business_id, actor=call.actor, read_only=True
        )
    else:
        position = Position(_sequence(given))
    return EventStream(call, position, names=tuple(names or ()))


class EventStream(LiveStream):
    """The stored events of a business, from a position on."""

    def __init__(self, call: Call, position: Position, *, names: tuple[str, ...]) -> None:
        super().__init__(call)
        self._position, self._names = position, names

    async def send_new(self, send: Send) -> None:
        """Send what was stored since."""
        call = self.call
        while True:
            events = await call.database.run(
                lambda uow: list_events(uow, self._position),
                business_id=call.business_id,
                actor=call.actor,
                read_only=True,
            )
            if events:
                text = frames(events, self._names)
                if text:
                    await send_text(send, text)
                self._position = events[-1].position
            if len(events) < BATCH:
                return


def frames(events: Sequence[StoredEvent], names: tuple[str, ...] = ()) -> str:
    """Return the events as they go over the wire; the last of one transaction carries the id to resume from.

    A batch that was cut off keeps its last id back, because more of the same transaction may follow.
    """
    followed = [
        *(later.sequence for _, later in pairwise(events)),
        None if len(events) < BATCH else events[-1].sequence,
    ]
    lines: list[str] = []
    for event, next_sequence in zip(events, followed, strict=True):
        wanted = _is_wanted(event.name, names)
        if wanted:
            lines.append(f"event: {event.name}\n")
        if next_sequence != event.sequence:
            lines.append(f"id: {event.sequence}\n")
        lines.append(f"data: {event.as_json()}\n\n" if wanted else "\n")
    return "".join(lines)


def _is_wanted(name: str, names: tuple[str, ...]) -> bool:
    return not names or any(name == each or (each.endswith(".*") and name.startswith(each[:-1])) for each in names)


def _sequence(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) > _LARGEST_SEQUENCE:
        raise LastEventUnknown
    return int(text)
