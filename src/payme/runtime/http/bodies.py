"""Request bodies: read once, within limits of size, time and depth, and parsed by pydantic straight from the bytes.

NaN, Infinity, numbers that would become it and NUL characters are refused here: further in each would be somebody's surprise.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from pydantic import TypeAdapter, ValidationError

from payme.runtime.http.errors import (
    BodyTooLarge,
    BodyTooSlow,
    JsonTooDeep,
    Malformed,
    MalformedJson,
    RequestInvalid,
    UnsupportedMediaType,
)
from payme.runtime.http.problems import invalid_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

# Never fails inside a string and never goes back, so that no body makes it slow.
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_MOST_DROPPED_BYTES: Final = 16 * 1024 * 1024
_DROPPING_SECONDS: Final = 2.0
_MAY_OVERFLOW: Final = re.compile(rb"[:\[,\s]-?[0-9][0-9.]*[eE]\+?[0-9]{3}|[0-9]{309}")
"""Only a number so written can be larger than the largest float."""
_OPENING = frozenset((b"[", b"{"))
_CLOSING = frozenset((b"]", b"}"))


async def read_body(request: Request, *, limit: int, seconds: float) -> bytes:
    """Return the whole body. Raises: BodyTooLarge, BodyTooSlow, Malformed for a length that is no number."""
    declared = request.headers.get("content-length")
    if declared is not None:
        if "transfer-encoding" in request.headers:
            # Two lengths are how one request is smuggled inside another.
            raise Malformed
        if not declared.isascii() or not declared.isdigit():
            raise Malformed
        if len(declared) > 18 or int(declared) > limit:
            await _drop_rest(request)
            raise BodyTooLarge(limit_bytes=limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            is_last = False
            while not is_last:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise Malformed
                chunk: bytes = message.get("body", b"")
                is_last = not message.get("more_body", False)
                size += len(chunk)
                if size > limit:
                    if not is_last:
                        await _drop_rest(request)
                    raise BodyTooLarge(limit_bytes=limit)
                chunks.append(chunk)
    except TimeoutError:
        raise BodyTooSlow from None
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _drop_rest(request: Request) -> None:
    """Read on and forget, as far as it is worth: a client that is still sending when we hang up never sees our answer."""
    dropped = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_DROPPING_SECONDS):
            while dropped < _MOST_DROPPED_BYTES:
                message = await request.receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                dropped += len(message.get("body", b""))


def check_media_type(content_type: str | None) -> None:
    """Refuse a body that is not declared as JSON; a browser's form can then never pass for one. Raises: UnsupportedMediaType."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType


def check_json(body: bytes, depth: int) -> None:
    """Refuse what a parser would let through. Raises: JsonTooDeep, MalformedJson, RequestInvalid."""
    if body.count(b"[") + body.count(b"{") > depth:
        _check_depth(body, depth)
    if b"NaN" in body or b"Infinity" in body:
        parse_json(body)
    if b"\\u0000" in body and _holds(parse_json(body), _is_nul):
        raise RequestInvalid(
            errors=[{"pointer": "", "code": "nul_character", "detail": "Text may not contain NUL characters"}]
        )
    if _MAY_OVERFLOW.search(body) and _holds(parse_json(body), _is_infinite):
        raise RequestInvalid(
            errors=[
                {"pointer": "", "code": "number_too_large", "detail": "A number is larger than any that can be kept"}
            ]
        )


def parse_json(body: bytes) -> Any:
    """Return the body as Python values; NaN and Infinity are not JSON. Raises: MalformedJson."""
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise MalformedJson from None


def validate_json(adapter: TypeAdapter[Any], body: bytes) -> Any:
    """Return the command that a body holds; a number in quotation marks is text, and 1 is no truth value.

    Raises: MalformedJson, RequestInvalid.
    """
    try:
        return adapter.validate_json(body, strict=True)
    except ValidationError as error:
        found = _faults(error)
    if any(each["type"] == "int_type" for each in found):
        try:
            return adapter.validate_json(_with_whole_numbers(body), strict=True)
        except ValidationError as error:
            found = _faults(error)
    if any(each["type"] == "json_invalid" for each in found):
        raise MalformedJson
    raise invalid_fields(found)


def _faults(error: ValidationError) -> Sequence[Mapping[str, Any]]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _with_whole_numbers(body: bytes) -> bytes:
    """Write 3.0 as 3: JSON has one kind of number, and some clients know no other than floats."""

    def number(text: str) -> int | float:
        value = float(text)
        return int(value) if value.is_integer() else value

    try:
        return json.dumps(json.loads(body, parse_float=number)).encode()
    except ValueError:
        raise MalformedJson from None


def _check_depth(body: bytes, depth: int) -> None:
    level = 0
    for match in _BRACKETS.finditer(body):
        token = match[0]
        if token in _OPENING:
            level += 1
            if level > depth:
                raise JsonTooDeep(limit=depth)
        elif token in _CLOSING:
            level -= 1


def _holds(value: Any, refused: Callable[[Any], bool]) -> bool:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return any(refused(key) or _holds(inner, refused) for key, inner in members.items())
    if isinstance(value, list):
        return any(_holds(inner, refused) for inner in cast("list[Any]", value))
    return refused(value)


def _is_nul(value: Any) -> bool:
    return isinstance(value, str) and "\x00" in value


def _is_infinite(value: Any) -> bool:
    return isinstance(value, float) and not isfinite(value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
