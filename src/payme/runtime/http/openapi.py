"""The description of the API (OpenAPI 3.1), made from what the routes declared: every route, every refusal, every header.

FastAPI describes the models; what it cannot know (refusals as problem documents, idempotency and precondition headers, who may
call) is added here. An endpoint that answers once has an Idempotency-Key, one that updates has an If-Match: both are seen from
what it does, so that the description cannot say otherwise.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from fastapi import Body, Path
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response

from payme.runtime.http.errors import (
    AuthenticationRequired,
    BodyTooLarge,
    BodyTooSlow,
    BusinessNotFound,
    CsrfRefused,
    CursorInvalid,
    JsonTooDeep,
    KeyInvalid,
    KeyRequired,
    KeyReused,
    Malformed,
    MalformedJson,
    PermissionMissing,
    PreconditionFailed,
    PreconditionRequired,
    RateLimited,
    RequestInvalid,
    StillRunning,
    UnsupportedMediaType,
    status_of,
)
from payme.runtime.http.idempotency import KEY_SCHEMA
from payme.runtime.http.operation import Operation, with_signature
from payme.runtime.http.problems import MEDIA_TYPE, Problem, title_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from payme.kit.errors import DomainError

SECURITY_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token or an API key."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-payme_session",
        "description": "With X-CSRF-Token on changes.",
    },
}
_PAGES: Final = frozenset({"read_page", "read_page_written"})
_READS: Final = _PAGES | {"read"}
_PROBLEM_REFERENCE: Final = {"$ref": "#/components/schemas/Problem"}

_EVENT: Final = {
    "type": "object",
    "description": "One event of the stream; `data` is JSON.",
    "properties": {name: {"type": "string"} for name in ("event", "id", "data", "retry")},
}


def problems(*errors: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of these refusals, gathered by status."""
    by_status: defaultdict[int, list[type[DomainError]]] = defaultdict(list)
    for error in errors:
        if error not in by_status[status_of(error)]:
            by_status[status_of(error)].append(error)
    return {status: _problem(status, found) for status, found in sorted(by_status.items())}


def described_route(operation: Operation) -> APIRoute:
    """Return a route that FastAPI can describe; it never takes a request."""
    parameters = [*_business_parameter(operation), *operation.other_parameters]
    if operation.body_parameter is not None:
        body = inspect.Parameter(
            operation.body_parameter, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[operation.body_type, Body()]
        )
        parameters.append(body)
    endpoint = with_signature(tuple(parameters))
    endpoint.__name__ = operation.name
    return APIRoute(
        operation.path,
        endpoint,
        methods=[operation.method],
        operation_id=operation.name,
        tags=[operation.tag],
        summary=operation.summary,
        description=operation.description,
        status_code=operation.status,
        response_model=operation.response,
        response_class=Response if operation.response is None else JSONResponse,
        response_description="Done" if operation.response is None else "The answer",
        responses={**_contents(operation), **problems(*refusals(operation))},
        openapi_extra=_extra(operation),
        include_in_schema=not operation.hidden,
    )


def refusals(operation: Operation) -> list[type[DomainError]]:
    """Return every refusal that a route may answer with, in the order they are met."""
    has_json, uses = operation.body_parameter is not None, operation.uses
    is_closed, is_change = operation.access.kind != "public", operation.method != "GET"
    table: tuple[tuple[bool, tuple[type[DomainError], ...]], ...] = (
        (True, (Malformed,)),
        (is_closed, (AuthenticationRequired,)),
        (is_closed and is_change, (CsrfRefused,)),
        (operation.access.kind == "permission", (PermissionMissing,)),
        ("business_id" in operation.parameters, (BusinessNotFound,)),
        (has_json, (MalformedJson, JsonTooDeep, UnsupportedMediaType)),
        (has_json or bool(operation.consumes), (BodyTooLarge, BodyTooSlow)),
        (has_json or bool(operation.other_parameters), (RequestInvalid,)),
        ("idempotent" in uses, (KeyRequired, KeyInvalid, KeyReused, StillRunning)),
        ("update" in uses, (PreconditionRequired, PreconditionFailed)),
        (bool(_PAGES & uses), (CursorInvalid,)),
        (operation.budget is not None, (RateLimited,)),
    )
    return [*(error for holds, errors in table if holds for error in errors), *operation.errors]


def complete(document: dict[str, Any], operations: Iterable[Operation]) -> dict[str, Any]:
    """Add what FastAPI leaves out: security schemes, the problem's schema, an example on every schema."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = SECURITY_SCHEMES
    schemas = components.setdefault("schemas", {})
    for name, schema in Problem.model_json_schema(ref_template="#/components/schemas/{model}").pop("$defs", {}).items():
        schemas.setdefault(name, schema)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    problem.pop("$defs", None)
    schemas["Problem"] = problem
    _drop_framework_answers(document, schemas)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    for schema in schemas.values():
        if "examples" not in schema and "example" not in schema:
            schema["examples"] = [example_of(schema, schemas)]
    document["x-permissions"] = sorted({each.access.permission for each in operations if each.access.permission})
    return document


def _drop_framework_answers(document: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Take out FastAPI's own 422 where a route has none; a business that is no UUID is simply not found."""
    for path in document["paths"].values():
        for operation in path.values():
            if "application/problem+json" not in operation["responses"].get("422", {}).get("content", {}):
                operation["responses"].pop("422", None)
    for unwanted in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unwanted, None)


def example_of(schema: dict[str, Any], schemas: dict[str, Any], *, depth: int = 0) -> Any:
    """Return a value that fits a schema: its own example, its default, else a plain one by type and format."""
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for key in ("example", "const", "default"):
        if key in schema:
            return schema[key]
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return example_of(schemas.get(name, {}), schemas, depth=depth + 1) if depth < 6 else None
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example_of(schema[key][0], schemas, depth=depth + 1)
    return _plain_example(schema, schemas, depth=depth)


def _plain_example(schema: dict[str, Any], schemas: dict[str, Any], *, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        properties: dict[str, Any] = schema.get("properties", {})
        return {name: example_of(inner, schemas, depth=depth + 1) for name, inner in properties.items()}
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas, depth=depth + 1)]
    if kind == "string":
        return _STRINGS.get(schema.get("format", ""), "1" if "pattern" in schema else "text")
    return {"integer": max(1, int(schema.get("minimum", 1))), "number": 1, "boolean": True}.get(str(kind))


_STRINGS: Final = {
    "uuid": "01932f6e-7c1f-7b0a-8d7e-0a5b5a1c2d3e",
    "date-time": "2026-11-22T09:30:00Z",
    "date": "2026-11-22",
    "time": "04:00:00",
    "email": "amina@example.com",
    "uri": "https://example.com/",
}


def _problem(status: int, errors: Sequence[type[DomainError]]) -> dict[str, Any]:
    examples = {error.code: {"summary": title_of(error), "value": _example(error, status)} for error in errors}
    listed = "; ".join(f"`{error.code}`" for error in errors)
    return {
        "description": f"Refused: {listed}",
        "content": {MEDIA_TYPE: {"schema": _PROBLEM_REFERENCE, "examples": examples}},
    }


def _example(error: type[DomainError], status: int) -> dict[str, Any]:
    return {
        "type": f"/problems/{error.code}",
        "title": title_of(error),
        "status": status,
        "detail": error().message,
        "instance": "/v1/businesses/01932f6e-7c1f-7b0a-8d7e-0a5b5a1c2d3e",
        "code": error.code,
        "request_id": "01932f6e7c1f7b0a8d7e0a5b5a1c2d3e",
        "retryable": error.retryable,
        "errors": [],
    }


def _contents(operation: Operation) -> dict[int | str, dict[str, Any]]:
    answers: dict[int | str, dict[str, Any]] = {}
    if operation.produces:
        content: dict[str, Any] = {
            kind: {"schema": _EVENT if kind == "text/event-stream" else {"type": "string"}}
            for kind in operation.produces
        }
        answers[operation.status] = {"description": "The answer", "content": content}
    if operation.method == "GET" and _READS & operation.uses:
        answers[304] = {"description": "The client already holds the answer"}
    for status, said in operation.also.items():
        answers[status] = {"description": said, "model": operation.response}
    if operation.method == "PUT" and "update" in operation.uses:
        answers[201] = {"description": "It was created", "model": operation.response}
    return answers


def _business_parameter(operation: Operation) -> list[inspect.Parameter]:
    if "business_id" not in operation.parameters or any(
        each.name == "business_id" for each in operation.other_parameters
    ):
        return []
    annotation = Annotated[UUID, Path(description="The business; unknown or foreign ones are answered with 404")]
    return [inspect.Parameter("business_id", inspect.Parameter.KEYWORD_ONLY, annotation=annotation)]


def _extra(operation: Operation) -> dict[str, Any]:
    access = operation.access
    extra: dict[str, Any] = {"security": [] if access.kind == "public" else [{"bearer": []}, {"session": []}]}
    extra["x-access"] = access.permission or access.kind
    headers = list(_headers(operation))
    if headers:
        extra["parameters"] = headers
    if operation.consumes:
        schema = {"schema": {"type": "string", "contentMediaType": operation.consumes}}
        extra["requestBody"] = {"required": True, "content": {operation.consumes: schema}}
    return extra


def _headers(operation: Operation) -> Iterable[dict[str, Any]]:
    if "idempotent" in operation.uses:
        words = "One key has one effect; the same key and body get the same answer again."
        yield _header("Idempotency-Key", words, required=True, schema=KEY_SCHEMA)
    if "update" in operation.uses:
        required = operation.method == "PATCH"
        yield _header("If-Match", "The ETag of what was read; needed to change what exists.", required=required)
    if _READS & operation.uses:
        yield _header("If-None-Match", "The ETag of what the client holds; the answer may be 304.", required=False)


def _header(name: str, description: str, *, required: bool, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string", **(schema or {})},
    }
