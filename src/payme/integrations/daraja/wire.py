"""Reading Safaricom's JSON: capped in size and depth, numbers exact, text made safe to store.

Nothing here knows what a message means. No float is ever made: a number with a point is a Decimal from the raw text.
"""

import json
import re
from decimal import Decimal
from typing import Any, cast

LARGEST_BYTES = 64 * 1024
DEEPEST = 16
_LONGEST_NUMBER = 64
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LONG_DIGITS = re.compile(r"\d{9,}", re.ASCII)

JsonObject = dict[str, Any]


class Unreadable(ValueError):
    """These bytes are no JSON that we are willing to read."""


def read_json(raw: bytes) -> object:
    """Return the value in raw bytes: UTF-8 with or without a mark, at most 64 KiB and 16 levels deep.

    Raises: Unreadable, and nothing else, for every other sequence of bytes.
    """
    if len(raw) > LARGEST_BYTES:
        raise Unreadable("too long")
    try:
        value = json.loads(
            raw.decode("utf-8-sig"), parse_float=_decimal, parse_int=_integer, parse_constant=_refuse_constant
        )
    except (ValueError, ArithmeticError, RecursionError) as fault:
        raise Unreadable("not JSON") from fault
    if _is_deeper_than(value, DEEPEST):
        raise Unreadable("too deep")
    return value


def as_object(value: object) -> JsonObject | None:
    """Return a JSON object, also out of a list that holds exactly one; None for anything else."""
    if isinstance(value, list):
        items = cast("list[object]", value)
        value = items[0] if len(items) == 1 else None
    return cast("JsonObject", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[object]:
    """Return a list, also around a single object; empty for nothing."""
    if value is None:
        return []
    return cast("list[object]", value) if isinstance(value, list) else [value]


def as_text(value: object, *, longest: int = 200) -> str:
    """Return a string or a number as text without control characters, cut; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    return _UNSAFE.sub("\ufffd", str(value))[:longest]


def without_numbers(text: str) -> str:
    """Return a text fit for logs and errors: runs of nine and more digits, which may be phone numbers, are blotted out."""
    return _LONG_DIGITS.sub("#", text)


def _integer(text: str) -> int:
    return int(_bounded(text))


def _decimal(text: str) -> Decimal:
    return Decimal(_bounded(text))


def _bounded(text: str) -> str:
    if len(text) > _LONGEST_NUMBER:
        raise Unreadable("a number is too long")
    return text


def _refuse_constant(name: str) -> object:
    raise Unreadable(f"{name} is no JSON")


def _is_deeper_than(value: object, limit: int) -> bool:
    level: list[object] = [value]
    for _ in range(limit + 1):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(cast("dict[str, object]", value).values())
    return cast("list[object]", value) if isinstance(value, list) else []
