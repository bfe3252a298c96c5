"""The edge's own refusals, and the status that every kind of error is answered with. No other room knows a status code."""

from typing import ClassVar

from payme.kit.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Outdated,
    PaymentRequired,
    TooMuch,
    Unauthenticated,
)


class EdgeError(DomainError):
    """The request did not get as far as a rule."""

    code = "http.refused"
    status: ClassVar[int] = 400


class Malformed(EdgeError):
    """The request is not well-formed."""

    code = "http.malformed"


class MalformedJson(EdgeError):
    """The body is not well-formed JSON in UTF-8."""

    code = "http.malformed_json"


class JsonTooDeep(EdgeError):
    """The body is nested too deeply."""

    code = "http.json_too_deep"


class RouteUnknown(EdgeError):
    """There is nothing at this address."""

    code = "http.not_found"
    status = 404


class MethodNotAllowed(EdgeError):
    """This address does not know that method."""

    code = "http.method_not_allowed"
    status = 405


class BodyTooSlow(EdgeError):
    """The body did not arrive in time."""

    code = "http.body_too_slow"
    status = 408
    retryable = True


class PreconditionFailed(EdgeError):
    """It was changed in the meantime; read it again before changing it."""

    code = "http.precondition_failed"
    status = 412


class BodyTooLarge(EdgeError):
    """The body is larger than this address takes."""

    code = "http.body_too_large"
    status = 413


class UnsupportedMediaType(EdgeError):
    """The body must be sent as application/json."""

    code = "http.unsupported_media_type"
    status = 415


class RequestInvalid(Invalid):
    """Some fields of the request make no sense; `errors` names each of them."""

    code = "http.invalid"


class PreconditionRequired(EdgeError):
    """Send If-Match with the ETag of what you have read."""

    code = "http.precondition_required"
    status = 428


class RateLimited(EdgeError):
    """Too many requests; wait as long as Retry-After says."""

    code = "http.rate_limited"
    status = 429
    retryable = True


class InternalError(EdgeError):
    """Something went wrong on our side; the request id finds it in the logs."""

    code = "http.internal"
    status = 500


class ProviderFailed(EdgeError):
    """A service outside PayMe refused, or its answer is not known."""

    code = "http.provider_failed"
    status = 502


class ServiceUnavailable(EdgeError):
    """The service cannot answer at the moment."""

    code = "http.unavailable"
    status = 503
    retryable = True


class UnderMaintenance(EdgeError):
    """The service is under maintenance."""

    code = "http.maintenance"
    status = 503
    retryable = True


class ShieldRefused(EdgeError):
    """The request looks like part of an attack."""

    code = "http.shield_refused"
    status = 403


class AuthenticationRequired(Unauthenticated):
    """Sign in first, or send a valid token."""

    code = "auth.required"


class PermissionMissing(Forbidden):
    """Your role does not allow this."""

    code = "auth.permission_missing"


class CsrfRefused(Forbidden):
    """The request did not come from our own pages."""

    code = "auth.csrf_refused"


class BusinessNotFound(NotFound):
    """There is no such business."""

    code = "businesses.not_found"


class CursorInvalid(Invalid):
    """The cursor is not one that was given out for this list."""

    code = "pagination.cursor_invalid"
    pointer = "/cursor"


class LastEventUnknown(Invalid):
    """Last-Event-ID must be an id that came with an event of this stream."""

    code = "events.last_event_unknown"
    pointer = "/Last-Event-ID"


class KeyRequired(EdgeError):
    """Send an Idempotency-Key header."""

    code = "idempotency.key_required"


class KeyInvalid(EdgeError):
    """An Idempotency-Key is 1 to 255 printable ASCII characters."""

    code = "idempotency.key_invalid"


class KeyTaken(Conflict):
    """The key was used a moment ago."""

    code = "idempotency.key_taken"
    constraints = ("idempotency_keys_pkey",)


class KeyReused(EdgeError):
    """The key was used before, with another body."""

    code = "idempotency.key_reused"
    status = 422


class StillRunning(EdgeError):
    """The first request with this key is still running."""

    code = "idempotency.still_running"
    status = 409
    retryable = True


_STATUS_OF_KIND: tuple[tuple[type[DomainError], int], ...] = (
    (Invalid, 422),
    (NotFound, 404),
    (Conflict, 409),
    (PaymentRequired, 402),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (Gone, 410),
    (TooMuch, 413),
    (Outdated, 426),
)


def status_of(error: type[DomainError]) -> int:
    """Return the HTTP status that an error of this class is answered with."""
    if issubclass(error, EdgeError):
        return error.status
    for kind, status in _STATUS_OF_KIND:
        if issubclass(error, kind):
            return status
    return 409
