"""A stand-in for Arcjet's decide service: Connect with JSON, one route, one key; it remembers what it was told.

Source: arcjet-py and arcjet-go, proto.decide.v1alpha1.DecideService.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

KEY = "ajkey_of_nobody_0123456789"


class ArcjetServer(ThreadingHTTPServer):
    """The service; `answer` is what it says next: a conclusion, a status, or `silence`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.answer: str | int = "CONCLUSION_ALLOW"
        self.told: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Answers(BaseHTTPRequestHandler):
    server: ArcjetServer  # pyright: ignore[reportIncompatibleVariableOverride] -- it is started by no other

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append(asked)
        status, content = self.say(asked)
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if (
            self.path != "/proto.decide.v1alpha1.DecideService/Decide"
            or self.headers["Connect-Protocol-Version"] != "1"
        ):
            return 404, {"code": "unimplemented"}
        if self.headers["Authorization"] != f"Bearer {KEY}":
            return 401, {"code": "unauthenticated"}
        if set(asked) - {"sdkStack", "sdkVersion", "details", "rules"} or asked["rules"] != [
            {"shield": {"mode": "MODE_LIVE"}}
        ]:
            return 400, {"code": "invalid_argument"}
        if self.server.answer == "silence":
            time.sleep(2)
        if isinstance(self.server.answer, int):
            return self.server.answer, {"code": "unavailable"}
        return 200, {"decision": {"id": "req_1", "conclusion": self.server.answer, "ttl": 0}}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name in the standard library
        """Say nothing."""
