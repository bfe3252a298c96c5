"""Unexpected errors, told to whoever watches them in a tool that speaks Sentry's protocol; and timings, for a share of the work.

Off until `start_reports`, and the library is not loaded before. What leaves is a list, as in a log line: where it happened, in which
request and job, and an error's first line after redaction. No body, header, address, query, argument of SQL or value of a variable.
Invariant: one failure is one report, and a report that cannot be sent changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from payme.runtime.observability.logs import LONGEST_MESSAGE, current_request_id
from payme.runtime.observability.redaction import redact, scrub

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_KEPT: Final = (
    "event_id", "timestamp", "start_timestamp", "platform", "level", "type", "transaction", "transaction_info", "release",
    "environment", "sdk", "measurements",
)  # fmt: skip
_FRAME: Final = ("filename", "module", "function", "lineno", "in_app")
_TRACE: Final = ("trace_id", "span_id", "parent_span_id", "op", "status", "origin")
_SPAN: Final = (*_TRACE, "start_timestamp", "timestamp")
_SHUTDOWN_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Where reports go, which build and place they are from, and which share of the work is timed and profiled."""

    dsn: str = field(repr=False)
    environment: str
    release: str
    traces_sample_rate: float = 0.0
    profiles_sample_rate: float = 0.0


class _Reports:
    """The library, once it is loaded."""

    sdk: Any = None


def start_reports(options: ReportOptions) -> None:
    """Report from now on. Called once in a process, before it works."""
    import sentry_sdk  # noqa: PLC0415 -- a process that reports nothing does not load it
    from sentry_sdk.integrations.atexit import AtexitIntegration  # noqa: PLC0415 -- the same
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration  # noqa: PLC0415 -- the same

    sdk: Any = sentry_sdk
    sdk.init(
        dsn=options.dsn,
        environment=options.environment,
        release=options.release,
        traces_sample_rate=options.traces_sample_rate or None,
        profiles_sample_rate=options.profiles_sample_rate or None,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[ExcepthookIntegration(), AtexitIntegration(callback=_say_nothing)],
        before_send=_before_send,
        before_send_transaction=_before_send,
        max_breadcrumbs=0,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        auto_session_tracking=False,
        send_client_reports=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    _Reports.sdk = sdk


def stop_reports() -> None:
    """Send what waits, and report no more."""
    if _Reports.sdk is not None:
        _Reports.sdk.get_client().close(timeout=_SHUTDOWN_SECONDS)
        _Reports.sdk = None


def report(error: BaseException, **facts: Any) -> None:
    """Report an error that nobody expected, with fields that a log line may hold."""
    if _Reports.sdk is None:
        return
    sdk = _Reports.sdk
    event, hint = sdk.utils.event_from_exception(error, client_options=sdk.get_client().options)
    event["tags"] = {"request_id": current_request_id(), **facts}
    sdk.capture_event(event, hint=hint)


def timed(op: str, name: str) -> AbstractContextManager[Any]:
    """Return a context that times a piece of work, where this share of it is timed."""
    if _Reports.sdk is None:
        return nullcontext()
    return _Reports.sdk.start_transaction(op=op, name=name, source="task")


class TimedRequests:
    """ASGI middleware that times requests, each under the path of its route as it was declared."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Pass everything on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with timed("http.server", f"{scope['method']} unknown") as transaction:
            await self._app(scope, receive, send)
            path = getattr(scope.get("route"), "path", None)
            if transaction is not None and path is not None:
                transaction.name = f"{scope['method']} {path}"


def written_report(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report as it may leave the process."""
    written: dict[str, Any] = {name: event[name] for name in _KEPT if name in event}
    if "transaction" in written:
        written["transaction"] = scrub(str(written["transaction"]))
    tags: dict[str, Any] = event.get("tags") or {}
    contexts: dict[str, Any] = event.get("contexts") or {}
    trace: dict[str, Any] = contexts.get("trace") or {}
    written["tags"] = {name: str(value) for name, value in redact(tags).items() if value is not None}
    written["contexts"] = {"trace": _only(_TRACE, trace)}
    if "exception" in event:
        written["exception"] = {"values": [_exception(each) for each in event["exception"]["values"]]}
    if "spans" in event:
        written["spans"] = [_only(_SPAN, each) for each in list[Any](event["spans"])]
    return written


def _before_send(event: Any, _hint: Any) -> Any:
    return written_report(event)


def _say_nothing(_waiting: int, _seconds: float) -> None:
    """Let the process end without a word on its terminal."""


def _exception(given: Mapping[str, Any]) -> dict[str, Any]:
    # The first line only: further ones repeat what was put in (a unique key's value, a field's input).
    message = scrub(str(given.get("value") or "").partition("\n")[0])[:LONGEST_MESSAGE]
    stacktrace: dict[str, Any] = given.get("stacktrace") or {}
    frames: list[Any] = stacktrace.get("frames") or []
    return {
        "type": given.get("type"),
        "module": given.get("module"),
        "value": message,
        "stacktrace": {"frames": [_only(_FRAME, frame) for frame in frames]},
    }


def _only(names: tuple[str, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given}
