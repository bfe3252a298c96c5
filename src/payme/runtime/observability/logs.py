"""How log lines are made: structlog for us, the standard library's records through the same processors, JSON at the end.

Invariant: every line passes the redaction, whoever wrote it, and an exception is told without the values of variables.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog
from structlog.contextvars import get_contextvars, merge_contextvars

from payme.runtime.observability.redaction import redact, scrub

MOST_FRAMES: Final = 12
LONGEST_CHAIN: Final = 4
LONGEST_MESSAGE: Final = 500
LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# These say at INFO what we say ourselves.
TALKATIVE: Final = ("asyncio", "httpx2", "httpcore2", "granian.access", "pgqueuer", "_granian")

Event = MutableMapping[str, Any]


def configure_logging(level: str = "info", *, stream: TextIO | None = None, pretty: bool = False) -> None:
    """Send every log line of this process to `stream` (standard error); `pretty` is for a person at a terminal."""
    target = stream or sys.stderr
    renderer = structlog.dev.ConsoleRenderer(colors=target.isatty()) if pretty else structlog.processors.JSONRenderer()
    shared: list[Any] = [
        merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_exception,
        redact_event,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(target)
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[strip, renderer], foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))


def current_request_id() -> str | None:
    """Return the id of the request or job at hand, to pass it on."""
    return get_contextvars().get("request_id")


def redact_event(_logger: Any, _method: str, event: Event, /) -> Event:
    """Keep what may be written; the bookkeeping of structlog passes."""
    private = {name: event.pop(name) for name in list(event) if name.startswith("_")}
    return {**redact(event), **private}


def tell_exception(_logger: Any, _method: str, event: Event, /) -> Event:
    """Replace `exc_info` by type, message and places, down the chain of causes."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if error is not None:
        event["exception"] = " <- ".join(_described(each) for each in _chain(error))
    return event


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and len(found) < LONGEST_CHAIN:
        found.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return found


def _described(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    # The first line only: further ones repeat what was put in (a unique key's value, a field's input).
    message = scrub(str(error).partition("\n")[0])[:LONGEST_MESSAGE]
    places = ", ".join(f"{frame.filename.rpartition('/src/')[2]}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__module__}.{type(error).__qualname__}: {message} at {places}"
