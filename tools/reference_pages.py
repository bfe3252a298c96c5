"""Writes the reference pages that follow from classes: every error by its code, every event by its name.

The classes are found by importing every module of the product but its entry points, so a page cannot forget one.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import payme
from payme.kit.errors import DomainError
from payme.kit.events import Event
from payme.runtime.http.errors import status_of

NOTE = "<!-- Written by `make docs` from the code; edit the docstrings there. -->"
SKIPPED = "payme.entrypoints"


def errors() -> str:
    """Return the page of every error a caller may see, in the order of their codes."""
    _import_everything()
    ours = DomainError.registered().items()
    known = {code: error for code, error in ours if error.__module__.startswith("payme.")}
    rows = [
        f"| `{code}` | {status_of(error)} | {'yes' if error.retryable else 'no'} | {_summary(error)} |"
        for code, error in sorted(known.items())
    ]
    return "\n".join(
        [
            "# Errors",
            "",
            NOTE,
            "",
            (
                "A refusal is an `application/problem+json` document; `code` below is its stable name. Where *again* says yes, "
                "the same request may succeed later."
            ),
            "",
            "| code | status | again | means |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def events() -> str:
    """Return the page of every event, in the order of their names, with the fields each carries."""
    _import_everything()
    lines = [
        "# Events",
        "",
        NOTE,
        "",
        "What features publish in the transaction of what happened, and live streams carry.",
    ]
    for event in sorted(_named(Event), key=lambda each: each.name):
        lines += ["", f"## `{event.name}`", "", _summary(event), "", "| field | type |", "|---|---|"]
        for name, field in event.model_fields.items():
            lines.append(f"| `{name}` | {_type_name(field.annotation)} |")
    return "\n".join([*lines, ""])


def _named(base: type[Event]) -> Iterator[type[Event]]:
    for child in base.__subclasses__():
        if child.__module__.startswith("payme.") and "name" in vars(child):
            yield child
        yield from _named(child)


def _import_everything() -> None:
    for module in pkgutil.walk_packages(payme.__path__, "payme.", onerror=_fail):
        if not module.name.startswith(SKIPPED) and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _fail(name: str) -> None:
    raise ImportError(name)


def _summary(described: type) -> str:
    text = (inspect.getdoc(described) or "").split("\n\n", maxsplit=1)[0]
    return " ".join(text.split()).replace("|", "\\|")


def _type_name(annotation: object) -> str:
    name = annotation.__name__ if inspect.isclass(annotation) else str(annotation).replace("typing.", "")
    return f"`{name}`".replace("|", "\\|")
