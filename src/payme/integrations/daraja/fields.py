"""The fields of one JSON object, found by name whatever its case and spacing.

Safaricom writes `ResponseStatus` and `Response Status`, `Name` and `name`. A name that stands twice with two values has
no value, because nobody can say which one is meant; it is named in `oddities`.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from payme.integrations.daraja.wire import JsonObject, as_text

LONGEST_VALUE = 64
_SEPARATORS = re.compile(r"[\s_-]+")

Value = TypeVar("Value")


class Fields:
    """Values by name, and the names of what could not be used."""

    def __init__(self, message: JsonObject | None = None) -> None:
        self.oddities: list[str] = []
        self._values: dict[str, object] = {}
        for name, value in (message or {}).items():
            self.add(name, value)

    def __contains__(self, name: str) -> bool:
        """Say whether there is exactly one value of this name."""
        return self.value(name) is not None

    def add(self, name: str, value: object) -> None:
        """Take one more field; a null says nothing, a second and different value takes the first away."""
        key = _folded(name)
        if value is None or not key:
            return
        if self._values.setdefault(key, value) != value:
            self._values[key] = None
            self.note(name)

    def value(self, name: str) -> object:
        """Return a value as it came, None where there is none or more than one."""
        return self._values.get(_folded(name))

    def text(self, name: str, *, longest: int = 200) -> str:
        """Return a value as text without control characters and outer spaces, cut; empty where there is none."""
        return as_text(self.value(name), longest=longest).strip()

    def read(self, name: str, parse: Callable[[str], Value | None], *, is_expected: bool = False) -> Value | None:
        """Return what `parse` makes of a value; None, with its name noted, where it is unreadable or missing though expected."""
        text = self.text(name, longest=LONGEST_VALUE + 1)
        value = parse(text) if 0 < len(text) <= LONGEST_VALUE else None
        if value is None and (text or is_expected):
            self.note(name)
        return value

    def note(self, name: str) -> None:
        """Remember that a field could not be used."""
        if name not in self.oddities:
            self.oddities.append(name)


def _folded(name: str) -> str:
    return _SEPARATORS.sub("", name).lower()
