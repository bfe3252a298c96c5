"""How a stream of server-sent events lives: woken by commits, looking again at every heartbeat, ended in good time.

What it sends belongs to whoever makes one. A database that is away ends it, and the client comes back later.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

import structlog
from starlette.responses import Response

from payme.kit.errors import PaymeError
from payme.runtime.http import metrics
from payme.runtime.http.errors import ServiceUnavailable

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from payme.runtime.http.call import Call

_log = structlog.get_logger("payme.http")
_RETRY_MILLISECONDS: Final = 2000


class LiveStream(Response, ABC):
    """An answer that goes on until the client leaves, its time is over, its caller lost the right, or the process stops.

    Raises: ServiceUnavailable where too many are open.
    """

    def __init__(self, call: Call) -> None:
        if call.edge.broadcaster.watchers >= call.edge.options.largest_streams:
            raise ServiceUnavailable
        super().__init__(status_code=200, media_type="text/event-stream")
        self.call = call
        self._options = call.edge.options

    @abstractmethod
    async def send_new(self, send: Send) -> None:
        """Send what is new since the last time. Raises: any PaymeError, which ends the stream."""

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
        with self.call.edge.broadcaster.watch(self.call.business_id) as watch:
            await send_text(send, f"retry: {_RETRY_MILLISECONDS}\n\n")
            while not self.call.edge.draining and (left := ends_at - asyncio.get_running_loop().time()) > 0:
                if not await self._send_new(send):
                    break
                if not await watch.changed(min(left, self._options.heartbeat_seconds)):
                    await send_text(send, ": heartbeat\n\n")
                    if not await self._still_allowed():
                        break
        await send_text(send, f"retry: {_RETRY_MILLISECONDS}\n\n", more=False)

    async def _send_new(self, send: Send) -> bool:
        try:
            await self.send_new(send)
        except PaymeError as error:
            _log.warning("http.stream_ended", error=type(error).__name__)
            return False
        return True

    async def _still_allowed(self) -> bool:
        call = self.call
        try:
            actor = await call.edge.authenticator.actor_in(call.signed_in_as, call.business_id)
        except PaymeError:
            return False
        return actor is not None and actor.may(call.operation.access.permission)


async def send_text(send: Send, text: str, *, more: bool = True) -> None:
    """Send a piece of the stream."""
    await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
