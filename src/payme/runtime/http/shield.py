"""Somebody outside who is asked about each request before our own limits are; who that is, wiring says.

What leaves is where a request comes from and what it is for, never its query, body, cookies or credentials. Probes and callbacks are
not asked about: the ones have to be answered when nothing else is, the others carry a secret in their path and tell of money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from payme.runtime.http.errors import ShieldRefused
from payme.runtime.http.gate import CALLBACKS, PROBES
from payme.runtime.http.problems import problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from payme.runtime.http.edge import Edge
    from payme.runtime.http.options import Shield

_TOLD: Final = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "user-agent"})


class Shielded:
    """ASGI middleware in front of the operations, where somebody is to be asked."""

    def __init__(self, app: ASGIApp, edge: Edge, *, shield: Shield) -> None:
        self._app, self._edge, self._shield = app, edge, shield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it here."""
        if self._is_asked_about(scope) and await self._shield(self._details(scope)):
            await problem_response(ShieldRefused(), scope)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    @staticmethod
    def _is_asked_about(scope: Scope) -> bool:
        path: str = scope["path"]
        return path not in PROBES and not path.startswith(CALLBACKS)

    def _details(self, scope: Scope) -> dict[str, Any]:
        headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}
        return {
            "ip": self._edge.client_address(scope),
            "method": scope["method"],
            "protocol": scope["scheme"],
            "host": headers.get("host", ""),
            "path": scope["path"],
            "headers": {name: text for name, text in headers.items() if name in _TOLD},
        }
