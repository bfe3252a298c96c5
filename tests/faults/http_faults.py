"""A proxy before the API that answers some requests with 503 in its place, and drops the reply to others it has passed on.

A client behind it has no part in the faults, and cannot tell a lost reply from a lost request. `X-Faults: off` asks for a quiet
line, so that a test can see its end. It speaks as much of HTTP/1.1 as a test's clients do: one request for each connection.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

REFUSED_SHARE, LOST_SHARE = 0.2, 0.3
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n"
    b"content-length: 2\r\nconnection: close\r\n\r\n{}"
)
_CHUNK = 65_536


@dataclass
class HttpFaults:
    """The proxy; `counts` has what became of requests."""

    target: str
    rng: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    base_url: str = ""

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator["HttpFaults"]:
        """Listen on a port of the loopback."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
            request = _closing(head) + await reader.readexactly(int(fields.get(b"content-length", b"0")))
            fate = self._draw(quiet=fields.get(b"x-faults") == b"off")
            self.counts[fate] += 1
            if fate == "refused":
                writer.write(REFUSAL)
            else:
                reply = await self._pass_on(request)
                if fate == "lost":
                    writer.transport.abort()
                else:
                    writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.counts["broken off"] += 1
        finally:
            writer.close()

    def _draw(self, *, quiet: bool) -> str:
        drawn = 1.0 if quiet else self.rng.random()
        if drawn < REFUSED_SHARE:
            return "refused"
        return "lost" if drawn < REFUSED_SHARE + LOST_SHARE else "passed"

    async def _pass_on(self, request: bytes) -> bytes:
        """Return the whole reply, so that what the server did is done when it is lost."""
        place = urlsplit(self.target)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            writer.write(request)
            await writer.drain()
            reply = b""
            while piece := await reader.read(_CHUNK):
                reply += piece
            return reply
        finally:
            writer.close()


def _closing(head: bytes) -> bytes:
    """Return the head of a request that asks for its connection to end with the reply."""
    first, *lines = head[:-4].split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([first, *kept, b"Connection: close", b"", b""])
