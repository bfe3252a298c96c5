"""One HTTP exchange, and the line between *nothing was sent* and *something was sent*.

That line is drawn by the connection itself: the trace of the HTTP client tells when the first byte of our request is
written. Before it a failure is DarajaUnavailable; after it, whatever happened, DarajaUnknown. Nothing is repeated here
and no redirect is followed.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx2

from payme.integrations.daraja.answers import Answer, read_answer
from payme.integrations.daraja.errors import DarajaUnavailable, DarajaUnknown
from payme.integrations.daraja.wire import LARGEST_BYTES


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds a whole exchange may take, connecting and reading included; connecting has its own, shorter limit."""

    connect_seconds: float = 5
    oauth_seconds: float = 10
    push_seconds: float = 30
    query_seconds: float = 15

    def __post_init__(self) -> None:
        shortest = min(self.oauth_seconds, self.push_seconds, self.query_seconds)
        assert self.connect_seconds < shortest, "a connection gives up before the exchange, and so is known as unsent"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for one exchange as a whole, and for its connection."""

    seconds: float
    connect_seconds: float


@dataclass(slots=True)
class _Progress:
    """What the connection has done so far."""

    has_begun: bool = False
    has_sent: bool = False

    async def note(self, event: str, info: dict[str, Any]) -> None:
        """Take one event of the HTTP client's trace; a proxy's CONNECT is not our request."""
        self.has_begun = True
        if event.endswith("send_request_headers.started"):
            request = info.get("request")
            if request is None or request.method != b"CONNECT":
                self.has_sent = True


_BEFORE_SENDING = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


def open_http_client(*, connections: int = 20) -> httpx2.AsyncClient:
    """Return a client fit for money calls: no redirects, no proxies from the environment, idle connections kept 5 s."""
    return httpx2.AsyncClient(
        follow_redirects=False,
        trust_env=False,
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=5),
        headers={"User-Agent": "PayMe", "Accept": "application/json"},
    )


async def exchange(http: httpx2.AsyncClient, request: httpx2.Request, *, limits: Limits) -> Answer:
    """Send one request once and return the answer, whatever its status.

    Raises: DarajaUnavailable where nothing was sent; DarajaUnknown where something was and no whole answer of at most
    64 KiB came in time.
    """
    progress = _Progress()
    request.extensions["trace"] = progress.note
    timeout = httpx2.Timeout(limits.seconds, connect=limits.connect_seconds, pool=limits.connect_seconds)
    request.extensions["timeout"] = timeout.as_dict()
    try:
        async with asyncio.timeout(limits.seconds):
            return await _whole_answer(http, request)
    except _BEFORE_SENDING as fault:
        raise _failure(progress, fault, is_before_sending=True) from fault
    except (httpx2.HTTPError, httpx2.StreamError, TimeoutError, OSError) as fault:
        raise _failure(progress, fault, is_before_sending=progress.has_begun) from fault


async def _whole_answer(http: httpx2.AsyncClient, request: httpx2.Request) -> Answer:
    response = await http.send(request, stream=True, follow_redirects=False)
    try:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LARGEST_BYTES:
                raise DarajaUnknown("daraja.unreadable_answer", status=response.status_code, text="too long")
        return read_answer(response.status_code, bytes(body))
    finally:
        await response.aclose()


def _failure(progress: _Progress, fault: Exception, *, is_before_sending: bool) -> DarajaUnavailable | DarajaUnknown:
    """Return the error for a broken exchange; in doubt it was sent."""
    cause = type(fault).__name__
    if is_before_sending and not progress.has_sent:
        return DarajaUnavailable("daraja.unreachable", cause=cause)
    return DarajaUnknown("daraja.no_answer", cause=cause)
