"""The outermost layer of every request: its id, its log context, the headers of every answer, its count and its log line.

It is also the last resort: whatever escapes from further in is answered with 500 and the request id, and nothing else.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from payme.runtime.http import metrics
from payme.runtime.http.problems import problem_response, route_of
from payme.runtime.observability import report

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from payme.runtime.http.edge import Edge
    from payme.runtime.http.rate_limits import Spent

_log = structlog.get_logger("payme.http.access")
_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{8,128}")
_TRACE = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

Headers = list[tuple[bytes, bytes]]

COMMON_HEADERS: Final[Headers] = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
DATA_HEADERS: Final[Headers] = [
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
PAGE_HEADERS: Final[Headers] = [
    (
        b"content-security-policy",
        (
            b"default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
            b"frame-ancestors 'none'"
        ),
    ),
    # A till scans barcodes with the camera and prints over USB.
    (b"permissions-policy", b"camera=(self), geolocation=(), microphone=(), payment=(), usb=(self)"),
]
HSTS: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class Envelope:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, edge: Edge) -> None:
        self._app = app
        self._edge = edge
        common = [*COMMON_HEADERS, HSTS] if edge.options.is_https else COMMON_HEADERS
        self._data_headers = [*common, *DATA_HEADERS]
        self._page_headers = [*common, *PAGE_HEADERS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; lifespan messages pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        _identify(scope)
        sender = _Sender(self, scope, send=send)
        metrics.in_progress.inc()
        try:
            await self._app(scope, receive, sender)
        except Exception as error:
            if sender.status:
                # Half an answer is out; the server cuts the connection, which is how the client learns.
                _log.exception("http.broken_off", route=route_of(scope))
                report(error, route=route_of(scope), method=scope["method"])
                raise
            await problem_response(error, scope)(scope, receive, sender)
        finally:
            metrics.in_progress.dec()
            self._record(scope, status=sender.status, seconds=time.perf_counter() - started)

    def headers_for(self, scope: Scope, headers: Headers) -> Headers:
        """Return the headers of an answer together with those that every answer has; its own go first."""
        names = {name for name, _ in headers}
        is_page = any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers)
        added = self._page_headers if is_page else self._data_headers
        complete = [*headers, *(header for header in added if header[0] not in names)]
        complete.append((b"x-request-id", scope["payme.request_id"].encode()))
        spent: Spent | None = scope.get("payme.spent")
        if spent is not None:
            complete += spent.headers()
        if self._edge.maintenance != "off":
            complete.append((b"payme-maintenance", self._edge.maintenance.encode()))
        return complete

    def _record(self, scope: Scope, *, status: int, seconds: float) -> None:
        route = route_of(scope)
        metrics.record(scope["method"], route, status=status, seconds=seconds)
        if self._edge.options.access_log:
            _log.info(
                "http.request",
                method=scope["method"],
                route=route,
                status=status,
                milliseconds=round(seconds * 1000, 2),
                address=self._edge.client_address(scope),
                code=scope.get("payme.problem"),
            )


class _Sender:
    """Adds the headers on the way out, remembers the status, and keeps the body of a HEAD request back."""

    __slots__ = ("_envelope", "_is_head", "_scope", "_send", "status")

    def __init__(self, envelope: Envelope, scope: Scope, *, send: Send) -> None:
        self._envelope, self._scope, self._send = envelope, scope, send
        self._is_head = scope["method"] == "HEAD"
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._envelope.headers_for(self._scope, list(message.get("headers", ())))
        elif self._is_head and message["type"] == "http.response.body":
            message["body"] = b""
        await self._send(message)


def _identify(scope: Scope) -> None:
    request_id = trace = None
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_ID.fullmatch(value):
            request_id = value.decode()
        elif name == b"traceparent" and _TRACE.fullmatch(value):
            trace = value.decode()
    scope["payme.request_id"] = request_id or uuid4().hex
    clear_contextvars()
    if trace is None:
        bind_contextvars(request_id=scope["payme.request_id"])
    else:
        bind_contextvars(request_id=scope["payme.request_id"], traceparent=trace)
