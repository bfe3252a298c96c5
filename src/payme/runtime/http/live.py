"""Server-sent events: what happened in a business, as it happens, resumed from where a client left off.

The rows are the truth and the wake-up only a hint: a stream reads the stored events after its position when it is woken, and at
every heartbeat besides. A stream lives ten minutes at most, so that no open stream holds back a shutdown; clients come back by
themselves with Last-Event-ID. An event may arrive twice after a break, never not at all: its `id` in the data tells.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Final

import structlog
from fastapi import Query
from starlette.responses import Response

from payme.kit.errors import PaymeError
from payme.runtime.events.stream import BATCH, Position, StoredEvent, latest_position, list_events
from payme.runtime.http import metrics
from payme.runtime.http.access import may
from payme.runtime.http.call import Call
from payme.runtime.http.errors import LastEventUnknown, ServiceUnavailable
from payme.runtime.http.routing import Router

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Receive, Scope, Send

_log = structlog.get_logger("payme.http")
_RETRY_MILLISECONDS: Final = 2000
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
    if call.edge.broadcaster.watchers >= call.edge.options.largest_streams:
        raise ServiceUnavailable
    given = call.request.headers.get("last-event-id") or last_event_id
    if given is None:
        position = await call.database.run(
            latest_position, business_id=call.business_id, actor=call.actor, read_only=True
        )
    else:
        position = Position(_sequence(given))
    return EventStream(call, position, names=tuple(names or ()))


class EventStream(Response):
    """An answer that goes on until the client leaves, its time is over, its caller lost the right, or the process stops."""

    def __init__(self, call: Call, position: Position, *, names: tuple[str, ...]) -> None:
        super().__init__(status_code=200, media_type="text/event-stream")
        self._call, self._position, self._names = call, position, names
        self._options = call.edge.options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- every ASGI answer is given its scope
        """Stream until the end."""
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        metrics.streams.inc()
        leaving = asyncio.ensure_future(_disconnected(receive))
        streaming = asyncio.ensure_future(self._stream(send))
        try:
            await asyncio.wait({leaving, streaming}, return_when=asyncio.FIRST_COMPLETED)
            if streaming.done():
                streaming.result()
        finally:
            metrics.streams.dec()
            for task in (leaving, streaming):
                task.cancel()
            await asyncio.gather(leaving, streaming, return_exceptions=True)

    async def _stream(self, send: Send) -> None:
        ends_at = asyncio.get_running_loop().time() + self._options.stream_seconds
        with self._call.edge.broadcaster.watch(self._call.business_id) as watch:
            await _send(send, f"retry: {_RETRY_MILLISECONDS}\n\n")
            while not self._call.edge.draining and (left := ends_at - asyncio.get_running_loop().time()) > 0:
                if not await self._send_new(send):
                    break
                if not await watch.changed(min(left, self._options.heartbeat_seconds)):
                    await _send(send, ": heartbeat\n\n")
                    if not await self._still_allowed():
                        break
        await _send(send, f"retry: {_RETRY_MILLISECONDS}\n\n", more=False)

    async def _send_new(self, send: Send) -> bool:
        """Send what was stored since; a database that is away ends the stream, and the client comes back later."""
        call = self._call
        while True:
            try:
                events = await call.database.run(
                    lambda uow: list_events(uow, self._position),
                    business_id=call.business_id,
                    actor=call.actor,
                    read_only=True,
                )
            except PaymeError as error:
                _log.warning("http.stream_ended", error=type(error).__name__)
                return False
            if events:
                text = frames(events, self._names)
                if text:
                    await _send(send, text)
                self._position = events[-1].position
            if len(events) < BATCH:
                return True

    async def _still_allowed(self) -> bool:
        call = self._call
        try:
            actor = await call.edge.authenticator.actor_in(call.signed_in_as, call.business_id)
        except PaymeError:
            return False
        return actor is not None and actor.may(call.operation.access.permission)


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


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, text: str, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": more})
