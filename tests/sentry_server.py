"""A stand-in for Sentry: takes envelopes over HTTP on loopback and keeps every byte, unpacked, for a test to look at."""

import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class SentryServer:
    """A context manager; `dsn` is where a process reports to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def dsn(self) -> str:
        return f"http://public-key@127.0.0.1:{self._server.server_port}/7"

    def items(self, kind: str) -> list[dict[str, Any]]:
        """Return the payloads of one kind (event, transaction, profile) that have arrived."""
        found: list[dict[str, Any]] = []
        for body in list(self.bodies):
            lines = body.split(b"\n")[1:]
            for header, payload in zip(lines[::2], lines[1::2], strict=False):
                if header and json.loads(header)["type"] == kind:
                    found.append(json.loads(payload))
        return found

    def wait_for(self, kind: str, count: int = 1, *, seconds: float = 20) -> list[dict[str, Any]]:
        """Return the payloads of a kind once there are so many."""
        end = time.monotonic() + seconds
        while len(found := self.items(kind)) < count:
            assert time.monotonic() < end, f"{len(found)} of {count} {kind} within {seconds} s: {self.bodies}"
            time.sleep(0.02)
        return found

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                bodies.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name that the library gave it
                """Say nothing."""

        return Handler
