"""From a path to its operation and back to the wire: one look in a tree of segments, however many routes there are."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from payme.runtime.http.bodies import check_json, check_media_type, validate_json
from payme.runtime.http.call import Call
from payme.runtime.http.errors import MalformedJson, MethodNotAllowed, ServiceUnavailable
from payme.runtime.http.guard import admit
from payme.runtime.http.idempotency import HEADER, key_of
from payme.runtime.http.problems import problem_response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from payme.runtime.http.edge import Edge
    from payme.runtime.http.operation import Operation


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    parameter: _Node | None = None
    names: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    operations: dict[str, Operation] = field(default_factory=dict[str, "Operation"])


class Dispatcher:
    """ASGI middleware that answers every operation; what it does not know goes on to the application."""

    def __init__(self, app: ASGIApp, edge: Edge, *, operations: Iterable[Operation]) -> None:
        self._app = app
        self._edge = edge
        self._root = _Node()
        for operation in operations:
            self._add(operation)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on; a known path with another method is answered here too."""
        values: list[str] = []
        node = _find(self._root, scope["path"].split("/")[1:], values=values) if scope["type"] == "http" else None
        if node is None:
            await self._app(scope, receive, send)
            return
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        operation = node.operations.get(method)
        if operation is None:
            error = MethodNotAllowed(allow=", ".join(sorted(node.operations)))
            await problem_response(error, scope)(scope, receive, send)
            return
        scope["route"] = operation
        scope["path_params"] = dict(zip(node.names[method], values, strict=True))
        try:
            response = await perform(Call(Request(scope, receive, send), edge=self._edge, operation=operation))
        except Exception as error:
            response = problem_response(error, scope)
        await response(scope, receive, send)

    def _add(self, operation: Operation) -> None:
        node, names = self._root, list[str]()
        for segment in operation.path.split("/")[1:]:
            if segment.startswith("{"):
                assert ":" not in segment, f"{operation.path}: parameters have no converter"
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.children.setdefault(segment, _Node())
        other = node.operations.setdefault(operation.method, operation)
        assert other is operation, f"{operation.method} {operation.path} is declared twice"
        node.names[operation.method] = tuple(names)


async def perform(call: Call) -> Any:
    """Let the caller in, read what it sent, and run the endpoint."""
    operation = call.operation
    try:
        async with asyncio.timeout_at(call.answer_by):
            await admit(call)
    except TimeoutError as error:
        raise ServiceUnavailable from error
    if "idempotent" in operation.uses:
        # A caller without a key learns that first, whatever else is wrong with the request.
        key_of(call.request.headers.get(HEADER))
    values: dict[str, Any] = {operation.call_parameter: call}
    if operation.read_parameters is not None:
        values.update(await operation.read_parameters(call.request))
    if operation.body_parameter is not None:
        values[operation.body_parameter] = await _read_command(call)
    return await operation.endpoint(**values)


async def _read_command(call: Call) -> Any:
    operation = call.operation
    assert operation.body_adapter is not None, "a body has an adapter"
    body = await call.read_body()
    if not body:
        if operation.body_default is not inspect.Parameter.empty:
            return operation.body_default
        raise MalformedJson
    check_media_type(call.request.headers.get("content-type"))
    check_json(body, call.edge.options.json_depth)
    return validate_json(operation.body_adapter, body)


def _find(node: _Node, segments: list[str], *, values: list[str]) -> _Node | None:
    """Walk down the tree; a literal segment goes before a parameter, and a dead end is walked back."""
    if not segments:
        return node if node.operations else None
    segment, rest = segments[0], segments[1:]
    literal = node.children.get(segment)
    if literal is not None:
        found = _find(literal, rest, values=values)
        if found is not None:
            return found
    if node.parameter is None or not segment:
        return None
    mark = len(values)
    values.append(segment)
    found = _find(node.parameter, rest, values=values)
    if found is None:
        del values[mark:]
    return found
