"""One route as data: what it declared, and how its parameters are read. It knows no request and no other route."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi.dependencies.utils import get_dependant, solve_dependencies
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from payme.kit.errors import DomainError
from payme.runtime.http.access import Access
from payme.runtime.http.problems import invalid_fields

if TYPE_CHECKING:
    from payme.runtime.http.options import HttpOptions

_KNOWN_QUERIES: Final = 100
"""Query strings that are kept for each route, with what they say; a cursor is longer than `_SHORT_QUERY` and never among them."""
_SHORT_QUERY: Final = 40

Endpoint = Callable[..., Awaitable[Response]]
ReadParameters = Callable[[Request], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route with everything it declared."""

    name: str
    method: str
    path: str
    tag: str
    access: Access
    endpoint: Endpoint
    call_parameter: str
    body_parameter: str | None
    body_type: Any
    body_default: Any
    body_adapter: TypeAdapter[Any] | None
    other_parameters: tuple[inspect.Parameter, ...]
    read_parameters: ReadParameters | None
    response: Any
    status: int
    errors: tuple[type[DomainError], ...]
    summary: str
    description: str
    consumes: str
    produces: tuple[str, ...]
    also: Mapping[int, str]
    """Further statuses with the same view, and what each says."""
    budget: str | None
    body_bytes: int | None
    hidden: bool
    uses: frozenset[str]
    """Names of the call's methods that the endpoint uses; what it promises about headers follows from them."""
    parameters: frozenset[str]
    """Names of the parameters in the path."""

    def body_limit(self, options: HttpOptions) -> int:
        """Return how many bytes of body this route takes."""
        if self.body_bytes is not None:
            return self.body_bytes
        if self.path.startswith("/d/"):
            return options.callback_body_bytes
        return options.upload_body_bytes if self.consumes else options.body_bytes


def parameters_reader(path: str, parameters: tuple[inspect.Parameter, ...]) -> ReadParameters | None:
    """Return a function that reads these parameters from path, query and headers, as FastAPI does. None: there are none."""
    if not parameters:
        return None
    dependant = get_dependant(path=path, call=with_signature(parameters))
    assert not dependant.body_params, f"{path}: a parameter that is neither body model nor simple value"

    # What a query string says is the same for everybody; most lists are asked for with the same few, or with none.
    known: dict[bytes, dict[str, Any]] | None = None
    readers = (dependant, *dependant.dependencies)
    if not any(each.path_params or each.header_params or each.cookie_params for each in readers):
        known = {}

    async def read(request: Request) -> dict[str, Any]:
        said: bytes = request.scope["query_string"]
        if known is not None and said in known:
            return known[said]
        values = await solve(request)
        if known is not None and len(said) <= _SHORT_QUERY and len(known) < _KNOWN_QUERIES:
            known[said] = values
        return values

    async def solve(request: Request) -> dict[str, Any]:
        async with AsyncExitStack() as stack:
            request.scope["fastapi_inner_astack"] = request.scope["fastapi_function_astack"] = stack
            solved = await solve_dependencies(
                request=request, dependant=dependant, async_exit_stack=stack, embed_body_fields=False
            )
        if solved.errors:
            raise invalid_fields(solved.errors, prefix=1)
        return solved.values

    return read


def with_signature(parameters: tuple[inspect.Parameter, ...]) -> Endpoint:
    """Return a function that does nothing and has these parameters, for FastAPI to look at."""

    async def described(**_: Any) -> Response:
        raise AssertionError

    described.__signature__ = inspect.Signature(list(parameters))  # pyright: ignore[reportFunctionMemberAccess] -- functions may carry a signature
    return described
