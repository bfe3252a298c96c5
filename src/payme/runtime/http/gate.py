"""What is turned away before any route is looked for: NUL characters in addresses, and traffic during maintenance.

Modes: `warn` only says so in a header; `read_only` refuses changes, except callbacks, because money that moved outside must be
heard of; `drain` refuses everything but the probes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from payme.runtime.http.errors import Malformed, UnderMaintenance
from payme.runtime.http.problems import problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from payme.runtime.http.edge import Edge

PROBES: Final = frozenset({"/livez", "/readyz", "/health", "/metrics", "/v1/status"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CALLBACKS: Final = "/d/"


class Gate:
    """ASGI middleware in front of the routes."""

    def __init__(self, app: ASGIApp, edge: Edge) -> None:
        self._app = app
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] == "http":
            if "\0" in scope["path"] or b"%00" in scope["query_string"]:
                await problem_response(Malformed(), scope)(scope, receive, send)
                return
            if self._edge.maintenance != "off" and not self._is_welcome(scope):
                refusal = UnderMaintenance(retry_after_seconds=self._edge.maintenance_seconds())
                await problem_response(refusal, scope)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_welcome(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if self._edge.maintenance == "warn" or path in PROBES:
            return True
        if self._edge.maintenance == "drain":
            return False
        return scope["method"] in _SAFE or path.startswith(CALLBACKS)
