"""The parties of a payment as Safaricom writes them: `254705912645 - JANE DOE`, `600310 - Shop`, or a name alone."""

import re
from dataclasses import dataclass, field

_NUMBER_AND_NAME = re.compile(r"(\+?[0-9*][0-9*. ]{4,}?) *(?:- *(.*))?", re.ASCII | re.DOTALL)
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Party:
    """Who paid or was paid. `number` is a phone, perhaps masked, or a shortcode; empty where there is none."""

    name: str = field(default="", repr=False)
    number: str = field(default="", repr=False)


def party_of(text: str) -> Party:
    """Return name and number with single spaces; total, for any text."""
    match = _NUMBER_AND_NAME.fullmatch(text.strip())
    number, name = (match[1], match[2] or "") if match else ("", text)
    return Party(_tidy(name), _tidy(number))


def _tidy(text: str) -> str:
    return _SPACES.sub(" ", text).strip()
