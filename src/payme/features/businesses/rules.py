"""Receipt prefixes: short, without letters that are misread, and in an order that people expect."""

from collections.abc import Collection
from typing import Final

FIRST_PREFIX: Final = "A1"
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def next_prefix(taken: Collection[str]) -> str:
    """Return the first free one of A1 … A9, B1 … Z9, then A10 and so on."""
    number = 1
    while True:
        decade = range(number, number + 9)
        for letter in _LETTERS:
            for each in decade:
                if f"{letter}{each}" not in taken:
                    return f"{letter}{each}"
        number += 9
