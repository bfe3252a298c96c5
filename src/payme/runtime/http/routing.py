"""Routes: each says its operation id, who may call it, what it takes and answers, and every refusal it knows.

FastAPI keeps the description (OpenAPI) and reads parameters of path, query and header. The body is validated by pydantic from
the bytes, after the caller was let in; an endpoint with nothing but a body goes past FastAPI's machinery altogether.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Required, TypedDict, TypeVar, Unpack, get_origin, get_type_hints

from fastapi.params import Body, Depends, Param
from pydantic import BaseModel, TypeAdapter

from payme.kit.errors import DomainError
from payme.runtime.http.access import Access, may
from payme.runtime.http.call import Call
from payme.runtime.http.operation import Endpoint, Operation, parameters_reader

EndpointT = TypeVar("EndpointT", bound=Endpoint)


class RouteOptions(TypedDict, total=False):
    """What a route declares.

    `access` is `may("…")`, `signed_in` or `public`; `may="sales.create"` is the short form. `errors` are the refusals that
    its service knows. `consumes` names the media type of a body that is not JSON and is read by `call.read_body()`;
    `produces` those of an answer that is not JSON. `also` names further statuses that the view is answered with, each with
    what it says. `budget` names the rate limit; None counts nothing.
    """

    operation: Required[str]
    access: Access
    may: str
    response: Any
    status: int
    errors: Sequence[type[DomainError]]
    summary: str
    consumes: str
    produces: Sequence[str]
    also: Mapping[int, str]
    budget: str | None
    body_bytes: int
    hidden: bool


@dataclass(slots=True)
class Router:
    """Collects a feature's operations under one prefix and one tag."""

    prefix: str = ""
    tag: str = ""
    operations: list[Operation] = field(default_factory=list[Operation])

    def get(self, path: str = "", **options: Unpack[RouteOptions]) -> Callable[[EndpointT], EndpointT]:
        """Declare a GET route."""
        return self._declare("GET", path, options=options)

    def post(self, path: str = "", **options: Unpack[RouteOptions]) -> Callable[[EndpointT], EndpointT]:
        """Declare a POST route."""
        return self._declare("POST", path, options=options)

    def put(self, path: str = "", **options: Unpack[RouteOptions]) -> Callable[[EndpointT], EndpointT]:
        """Declare a PUT route."""
        return self._declare("PUT", path, options=options)

    def patch(self, path: str = "", **options: Unpack[RouteOptions]) -> Callable[[EndpointT], EndpointT]:
        """Declare a PATCH route."""
        return self._declare("PATCH", path, options=options)

    def delete(self, path: str = "", **options: Unpack[RouteOptions]) -> Callable[[EndpointT], EndpointT]:
        """Declare a DELETE route."""
        return self._declare("DELETE", path, options=options)

    def _declare(self, method: str, path: str, *, options: RouteOptions) -> Callable[[EndpointT], EndpointT]:
        def register(endpoint: EndpointT) -> EndpointT:
            self.operations.append(_operation(endpoint, options, method=method, path=self.prefix + path, tag=self.tag))
            return endpoint

        return register


@dataclass(frozen=True, slots=True)
class Feature:
    """What a feature brings to the application: its routes, under the tag and the sentence that the reference shows."""

    name: str
    description: str
    routers: tuple[Router, ...] = ()


def _operation(endpoint: Endpoint, options: RouteOptions, *, method: str, path: str, tag: str) -> Operation:
    call_name, body, others = _parameters(endpoint)
    doc = inspect.getdoc(endpoint) or ""
    title = options.get("summary") or doc.partition("\n")[0].rstrip(".")
    access = _access(options, f"{method} {path}")
    rest = doc.partition("\n")[2].strip()
    return Operation(
        name=options["operation"],
        method=method,
        path=path,
        tag=tag,
        access=access,
        endpoint=endpoint,
        call_parameter=call_name,
        body_parameter=body.name if body else None,
        body_type=body.annotation if body else None,
        body_default=body.default if body else None,
        body_adapter=TypeAdapter(body.annotation) if body else None,
        other_parameters=others,
        read_parameters=parameters_reader(path, others),
        response=options.get("response"),
        status=options.get("status", 200),
        errors=tuple(options.get("errors", ())),
        summary=title or options["operation"].replace("_", " ").capitalize(),
        description="\n\n".join(part for part in (rest, access.describe()) if part),
        consumes=options.get("consumes", ""),
        produces=tuple(options.get("produces", ())),
        also=options.get("also", {}),
        budget=options.get("budget", ""),
        body_bytes=options.get("body_bytes"),
        hidden=options.get("hidden", False),
        uses=frozenset(endpoint.__code__.co_names),
        parameters=frozenset(part[1:-1] for part in path.split("/") if part.startswith("{")),
    )


def _access(options: RouteOptions, route: str) -> Access:
    access = options.get("access")
    if access is None and "may" in options:
        access = may(options["may"])
    assert access is not None, f"{route} declares no access: say may, signed_in or public"
    return access


def _parameters(endpoint: Endpoint) -> tuple[str, inspect.Parameter | None, tuple[inspect.Parameter, ...]]:
    """Sort an endpoint's parameters: the call, the body, and what FastAPI reads from path, query and headers."""
    hints = get_type_hints(endpoint, include_extras=True)
    call_name, body, others = "", None, list[inspect.Parameter]()
    for name, parameter in inspect.signature(endpoint).parameters.items():
        typed = parameter.replace(annotation=hints.get(name, parameter.annotation), kind=inspect.Parameter.KEYWORD_ONLY)
        if typed.annotation is Call:
            call_name = name
        elif _is_body(typed):
            assert body is None, f"{endpoint.__qualname__} takes two bodies"
            body = typed
        else:
            others.append(typed)
    assert call_name, f"{endpoint.__qualname__} takes no call"
    return call_name, body, tuple(others)


def _is_body(parameter: inspect.Parameter) -> bool:
    annotation, markers = parameter.annotation, (parameter.default,)
    if get_origin(annotation) is Annotated:
        annotation, markers = annotation.__origin__, (*markers, *annotation.__metadata__)
    if any(isinstance(marker, (Param, Depends)) for marker in markers):
        return False
    return any(isinstance(marker, Body) for marker in markers) or (
        inspect.isclass(annotation) and issubclass(annotation, BaseModel)
    )
