"""A gateway on the loopback that says exactly the bytes a test gives it, and counts what it was asked.

For answers that no honest server gives: half a body, a drip, a redirect, silence. It hands out tokens like Daraja.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def http(status: int, body: bytes, *headers: str) -> bytes:
    """Return the bytes of one answer."""
    lines = (f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def saying(raw: bytes, *, then_close: bool = False) -> Reply:
    """Return a reply of these bytes."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        if then_close:
            writer.close()

    return reply


@dataclass
class RawGateway:
    """Answers each call that is no token request with the next of `replies`, the last one again and again; tokens as Daraja does, or `token_reply`."""

    replies: list[Reply]
    seen: list[Seen] = field(default_factory=list)
    token_reply: Reply | None = None
    tokens: int = 0
    base_url: str = ""
    _open: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open)

    @property
    def calls(self) -> list[Seen]:
        """What was asked beside tokens."""
        return [seen for seen in self.seen if not seen.path.startswith("/oauth/")]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is served in a task"
        self._open[task] = writer
        try:
            while seen := await _read_request(reader):
                self.seen.append(seen)
                await self._reply(seen, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()
            del self._open[task]

    async def _reply(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        if seen.path.startswith("/oauth/"):
            self.tokens += 1
            token = {"access_token": f"raw-token-{self.tokens}", "expires_in": "3599"}
            await (self.token_reply or saying(http(200, json.dumps(token).encode())))(writer)
        else:
            await self.replies[min(len(self.calls), len(self.replies)) - 1](writer)


async def _read_request(reader: asyncio.StreamReader) -> Seen | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *rest = head.decode().strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, path, headers, body)
