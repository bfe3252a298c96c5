"""Breaking the connection a request came in on.

Lives here: finding the server's own socket by the client's address. Does not live here: when to break it.
Invariant: only the one connection is touched.
"""

from __future__ import annotations

import os
import socket
import stat
import struct

_LINGER_ZERO = struct.pack("ii", 1, 0)


def reset_connection(host: str, port: int) -> bool:
    """Cut the connection from this client so that it never sees an answer; tell whether it was found.

    An ASGI server offers no way to drop a connection, so the socket is looked up among the process's descriptors.
    """
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - descriptors, not files
        duplicate = _socket_of(int(name))
        if duplicate is None:
            continue
        with duplicate:
            if _peer(duplicate) == (host, port):
                duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
                duplicate.shutdown(socket.SHUT_RDWR)
                return True
    return False


def _socket_of(descriptor: int) -> socket.socket | None:
    try:
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return socket.socket(fileno=os.dup(descriptor))
    except OSError:
        return None
    return None


def _peer(connection: socket.socket) -> tuple[str, int] | None:
    try:
        address: tuple[str, int] | str = connection.getpeername()
    except OSError:
        return None
    # A UNIX socket's peer is a plain string; only TCP has host and port.
    return None if isinstance(address, str) else (str(address[0]), int(address[1]))
