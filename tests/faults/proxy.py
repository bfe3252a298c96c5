"""A TCP line that can be cut, reset, half-open, silent, slow or late, between a process and what it calls.

In a test it is an object with a mode that may change at any moment; as a program (`python proxy.py FROM TO …`) it only relays,
which is how a namespace gets its end of a line. Addresses are `host:port` or the path of a Unix socket. A connection that once
met silence stays dead when the line heals, as after a router that forgot it.
"""

import asyncio
import contextlib
import random
import socket
import struct
import sys
from collections.abc import AsyncGenerator
from enum import StrEnum
from typing import Final

_LINGER_NONE: Final = struct.pack("ii", 1, 0)  # closing then sends RST
_LATE_SECONDS: Final = (0.06, 0.1)
_DRIP_BYTES, _DRIP_SECONDS = 32, 0.05
_CHUNK: Final = 65_536

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Mode(StrEnum):
    """What the line does."""

    PASS = "pass"
    LATE = "late"
    """Each piece comes 80 ± 20 ms later."""
    DRIP = "drip"
    """A few bytes at a time."""
    SILENT = "silent"
    """Connections are accepted, and nothing is ever answered."""
    CUT = "cut"
    """Connections are closed as soon as they are made."""


class Connection:
    """One connection through the line."""

    def __init__(self, near: Streams, far: Streams | None) -> None:
        self.near, self.far, self.is_dead = near, far, far is None

    def reset(self) -> None:
        """End both sides with RST."""
        for _, writer in filter(None, (self.near, self.far)):
            plug = writer.get_extra_info("socket")
            if plug is not None and plug.family != socket.AF_UNIX:
                with contextlib.suppress(OSError):
                    plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
            writer.transport.abort()

    def lose_far_end(self) -> None:
        """End the far side and tell the near one nothing."""
        self.is_dead = True
        if self.far is not None:
            self.far[1].transport.abort()


class Proxy:
    """A line from a port of the loopback, or a Unix socket, to `target`; use `opened`.

    `pieces` counts what was sent into the near end, whether or not it was passed on; where the line is cut, each try to connect.
    """

    def __init__(self, target: str = "") -> None:
        self.target, self.mode, self.address = target, Mode.PASS, ""
        self.connections: set[Connection] = set()
        self.pieces = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def opened(self, at: str = "127.0.0.1:0") -> AsyncGenerator["Proxy"]:
        """Listen for as long as the block lasts."""
        if at.startswith("/"):
            server = await asyncio.start_unix_server(self._accept, at)
        else:
            host, port = at.split(":")
            server = await asyncio.start_server(self._accept, host, int(port))
        name = server.sockets[0].getsockname()
        self.address = at if at.startswith("/") else f"{name[0]}:{name[1]}"
        try:
            yield self
        finally:
            server.close()
            self.reset_all()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset_all(self) -> None:
        """Reset every connection."""
        for each in tuple(self.connections):
            each.reset()

    def fall_silent(self) -> None:
        """Carry nothing any more, over the connections that are there as well."""
        self.mode = Mode.SILENT
        for each in self.connections:
            each.is_dead = True

    def lose_far_ends(self) -> None:
        """Leave every connection half open."""
        for each in tuple(self.connections):
            each.lose_far_end()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode is Mode.CUT:
            self.pieces += 1
            writer.close()
            return
        far = None
        if self.mode is not Mode.SILENT:
            try:
                far = await connect(self.target)
            except OSError:
                writer.transport.abort()
                return
        connection = Connection((reader, writer), far)
        self.connections.add(connection)
        try:
            away = self._pump(connection, reader, far and far[1])
            back = self._pump(connection, far[0], writer) if far else asyncio.sleep(0)
            await asyncio.gather(away, back)
        finally:
            self.connections.discard(connection)
            for _, each in filter(None, (connection.near, connection.far)):
                each.close()

    async def _pump(
        self, connection: Connection, source: asyncio.StreamReader, sink: asyncio.StreamWriter | None
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                self.pieces += source is connection.near[0]
                if not connection.is_dead and sink is not None:
                    await self._pass_on(data, sink)
        if connection.is_dead and source is not connection.near[0]:
            return  # the near side is not told
        if sink is not None:
            with contextlib.suppress(OSError, RuntimeError):
                sink.write_eof() if sink.can_write_eof() else sink.close()

    async def _pass_on(self, data: bytes, sink: asyncio.StreamWriter) -> None:
        if self.mode is Mode.LATE:
            await asyncio.sleep(random.uniform(*_LATE_SECONDS))
        size = _DRIP_BYTES if self.mode is Mode.DRIP else len(data)
        for start in range(0, len(data), size):
            sink.write(data[start : start + size])
            await sink.drain()
            if self.mode is Mode.DRIP:
                await asyncio.sleep(_DRIP_SECONDS)


async def connect(address: str) -> Streams:
    """Connect to `host:port` or to a Unix socket. Raises: OSError."""
    if address.startswith("/"):
        return await asyncio.open_unix_connection(address)
    host, port = address.split(":")
    return await asyncio.open_connection(host, int(port))


async def relay(*addresses: str) -> None:
    """Relay from every first address to the one behind it, until killed."""
    async with contextlib.AsyncExitStack() as stack:
        for start, target in zip(addresses[::2], addresses[1::2], strict=True):
            await stack.enter_async_context(Proxy(target).opened(start))
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:]))
