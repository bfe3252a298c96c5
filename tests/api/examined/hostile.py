"""Values that no honest client sends, as JSON text, and bodies with one of them in the place of each field.

Text, not Python values: NaN, 1e400 and lone surrogates exist on the wire only.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

VALUES = {
    "nan": b"NaN",
    "infinity": b"-Infinity",
    "minus zero": b"-0",
    "minus zero point zero": b"-0.0",
    "2^31": b"2147483648",
    "2^53": b"9007199254740993",
    "2^63": b"9223372036854775808",
    "-2^63-1": b"-9223372036854775809",
    "10^30": b"1" + b"0" * 30,
    "5,000 digits": b"9" * 5_000,
    "1e400": b"1e400",
    "1e-400": b"1e-400",
    "1e308": b"1e308",
    "text of 1e400": b'"1e400"',
    "text of an exponent without end": b'"1e999999999"',
    "text of nan": b'"NaN"',
    "text of -0": b'"-0"',
    "half a thousandth": b'"0.0005"',
    "true": b"true",
    "null": b"null",
    "empty": b'""',
    "blank": b'"   "',
    "object": b"{}",
    "list": b"[]",
    "deep list": b"[" * 10_000 + b"]" * 10_000,
    "deep object": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "emoji": '"👩🏾‍🌾🇰🇪🥬"'.encode(),
    "right to left": '"\u202eأرز\u200f"'.encode(),
    "combining": ('"e' + "\u0301" * 2_000 + '"').encode(),
    "nul": b'"a\\u0000b"',
    "raw nul": b'"a\x00b"',
    "control": b'"a\\u0001\\u001b[31m\\r\\nb"',
    "lone surrogate": b'"\\ud83d"',
    "surrogates the wrong way": b'"\\udc00\\ud800"',
    "surrogate in raw bytes": b'"\xed\xa0\xbd"',
    "invalid UTF-8": b'"\xff\xfe"',
    "overlong UTF-8": b'"\xc0\x80"',
    "cut UTF-8": b'"\xf0\x9f\x98"',
    "beyond Unicode": b'"\xf4\x90\x80\x80"',
    "noncharacter": '"\uffff"'.encode(),
    "100,000 letters": b'"' + b"a" * 100_000 + b'"',
    "sql": b'"\'; drop table sales; --"',
    "formula": b"\"=cmd|' /C calc'!A0\"",
    "path": b'"../../../etc/passwd"',
    "nil uuid": b'"00000000-0000-0000-0000-000000000000"',
    "year 10000": b'"10000-01-01T00:00:00Z"',
    "year 1": b'"0001-01-01T00:00:00+14:00"',
    "leap second": b'"2026-12-31T23:59:60Z"',
}
_MARK = "@hostile@"


def places(body: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Name each field and each member of a body, the body itself first."""
    yield path
    members = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, value in members:
        yield from places(value, (*path, name))


def spoiled(body: Any, path: tuple[str | int, ...], value: bytes) -> bytes:
    """Return the JSON of a body with a value in one place."""
    return json.dumps(_marked(body, path)).encode().replace(f'"{_MARK}"'.encode(), value)


def doubled(body: dict[str, Any]) -> bytes:
    """Return the JSON of a body that says everything twice, the first time wrongly."""
    wrong = ", ".join(f"{json.dumps(name)}: {{}}" for name in body)
    return f"{{{wrong}, {json.dumps(body)[1:-1]}}}".encode()


def naming(body: Any, things: dict[str, UUID]) -> Any:
    """Return a body in which the ids of things are those of things that exist."""
    if isinstance(body, dict):
        return {name: str(things[name]) if name in things else naming(value, things) for name, value in body.items()}
    return [naming(each, things) for each in body] if isinstance(body, list) else body


def _marked(body: Any, path: tuple[str | int, ...]) -> Any:
    if not path:
        return _MARK
    inner: Any = {**body} if isinstance(body, dict) else [*body]
    inner[path[0]] = _marked(inner[path[0]], path[1:])
    return inner
