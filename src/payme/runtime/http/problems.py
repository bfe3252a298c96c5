"""Every refusal as one shape: `application/problem+json` of RFC 9457, with our code, the request id and the fields at fault.

What a person did not send is not repeated, and what went wrong inside is not told: an unknown failure says the request id only.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import structlog
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from payme.kit.errors import DomainError, Invalid, ProviderError, ProviderUnavailable, Unauthenticated
from payme.runtime.database import DatabaseBusy, DatabaseUnavailable
from payme.runtime.http.errors import (
    InternalError,
    Malformed,
    MethodNotAllowed,
    ProviderFailed,
    RequestInvalid,
    RouteUnknown,
    ServiceUnavailable,
    status_of,
)
from payme.runtime.observability import report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import Scope

MEDIA_TYPE: Final = "application/problem+json"
_log = structlog.get_logger("payme.http")
_RETRY_SECONDS: Final = 2
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


class FieldProblem(BaseModel):
    """One field at fault."""

    pointer: str = Field(
        description="JSON pointer into the body, or /name of a parameter", examples=["/lines/0/quantity"]
    )
    code: str = Field(examples=["greater_than"])
    detail: str = Field(examples=["Input should be greater than 0"])


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str = Field(examples=["/problems/sales.stock_short"])
    title: str = Field(examples=["Stock short"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["There is less of it than was asked for."])
    instance: str = Field(examples=["/v1/businesses/01932f6e-7c1f-7b0a-8d7e-0a5b5a1c2d3e/sales"])
    code: str = Field(
        description="Stable and dotted; the reference of errors lists them all", examples=["sales.stock_short"]
    )
    request_id: str = Field(examples=["01932f6e7c1f7b0a8d7e0a5b5a1c2d3e"])
    retryable: bool = Field(description="Whether the very same request may succeed later", examples=[False])
    errors: list[FieldProblem] = Field(default_factory=list[FieldProblem])
    facts: dict[str, Any] | None = Field(
        default=None, description="What the refusal was decided on", examples=[{"wanted": "2"}]
    )


def problem_response(error: Exception, scope: Scope) -> Response:
    """Return what a failure is answered with. Nothing about an unexpected one leaves the process but its request id."""
    shown = _presentable(error)
    if isinstance(shown, InternalError):
        _log.error("http.failed", route=route_of(scope), exc_info=error)
        report(error, route=route_of(scope), method=scope.get("method"), request_id=request_id_of(scope))
    status = status_of(type(shown))
    headers = _headers(shown, error)
    if status in {401, 403}:
        # One event per denied request, for whoever watches.
        _log.warning("security.denied", code=shown.code, route=route_of(scope), method=scope.get("method"))
    document = {
        "type": f"/problems/{shown.code}",
        "title": title_of(type(shown)),
        "status": status,
        "detail": shown.message,
        "instance": scope.get("path", ""),
        "code": shown.code,
        "request_id": request_id_of(scope),
        "retryable": shown.retryable,
        "errors": _field_errors(shown),
    }
    if shown.facts and not isinstance(shown, (RequestInvalid, InternalError)):
        document["facts"] = shown.facts
    scope["payme.problem"] = shown.code
    body = json.dumps(document, default=str, ensure_ascii=False).encode("utf-8", "replace")
    return Response(body, status, headers, MEDIA_TYPE)


def invalid_fields(errors: Sequence[Mapping[str, Any]], *, prefix: int = 0) -> RequestInvalid:
    """Return one error for all fields that pydantic found at fault; the first `prefix` parts of each place are dropped."""
    found = [
        {"pointer": pointer_of(each["loc"][prefix:]), "code": str(each["type"]), "detail": str(each["msg"])}
        for each in errors
    ]
    return RequestInvalid(errors=found)


def pointer_of(place: Sequence[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a place in a document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)


def title_of(error: type[DomainError]) -> str:
    """Return the name of an error class as words: `StockShort` is "Stock short"."""
    return _WORDS.sub(" ", error.__name__).capitalize()


def request_id_of(scope: Scope) -> str:
    """Return the request's id, which its answer and its log lines carry."""
    return str(scope.get("payme.request_id", ""))


def route_of(scope: Scope) -> str:
    """Return the template of the route that took the request; never the address, which may hold anything."""
    return str(getattr(scope.get("route"), "path", "")) or "(none)"


def _presentable(error: Exception) -> DomainError:
    if isinstance(error, DomainError):
        return error
    if isinstance(error, ValidationError):
        return InternalError()
    if isinstance(error, (DatabaseBusy, DatabaseUnavailable)):
        _log.warning("http.database_unavailable", reason=str(error))
        return ServiceUnavailable()
    if isinstance(error, ProviderError):
        return _provider(error)
    if isinstance(error, HTTPException):
        return _framework(error)
    return InternalError()


def _provider(error: ProviderError) -> DomainError:
    _log.warning("http.provider_failed", provider=error.provider, code=error.code, kind=type(error).__name__)
    facts = {"provider": error.provider} if error.provider else {}
    return ServiceUnavailable(**facts) if isinstance(error, ProviderUnavailable) else ProviderFailed(**facts)


def _framework(error: HTTPException) -> DomainError:
    if error.status_code == 404:
        return RouteUnknown()
    if error.status_code == 405:
        return MethodNotAllowed()
    return Malformed() if error.status_code < 500 else InternalError()


def _headers(shown: DomainError, error: Exception) -> dict[str, str]:
    headers = {"cache-control": "no-store"}
    if isinstance(error, HTTPException) and error.headers:
        headers.update(error.headers)
    allow = shown.facts.pop("allow", None) if isinstance(shown, MethodNotAllowed) else None
    if allow:
        headers["allow"] = allow
    if isinstance(shown, Unauthenticated):
        headers["www-authenticate"] = 'Bearer realm="payme"'
    if shown.retryable:
        headers["retry-after"] = str(shown.facts.get("retry_after_seconds", _RETRY_SECONDS))
    return headers


def _field_errors(shown: DomainError) -> list[dict[str, str]]:
    if isinstance(shown, RequestInvalid):
        return shown.facts.get("errors", [])
    if isinstance(shown, Invalid):
        pointer = str(shown.facts.get("pointer", shown.pointer))
        return [{"pointer": pointer, "code": shown.code, "detail": shown.message}]
    return []
