"""Cursors of lists: opaque to clients, signed, and good for the list they were given out for and no other."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from payme.kit.pagination import DEFAULT_LIMIT, Limit
from payme.runtime.http.errors import CursorInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

_TAG_BYTES: Final = 16
_LONGEST: Final = 1024


class PageQuery(BaseModel):
    """Which part of a list is wanted."""

    model_config = ConfigDict(frozen=True)

    limit: Limit = Field(default=DEFAULT_LIMIT, description="Rows on one page, at most 200")
    cursor: str | None = Field(default=None, max_length=_LONGEST, description="`next_cursor` of the page before")


async def _page_query(
    limit: Annotated[Limit, Query(description="Rows on one page, at most 200")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=_LONGEST, description="`next_cursor` of the page before")] = None,
) -> PageQuery:
    return PageQuery(limit=limit, cursor=cursor)


Paging = Annotated[PageQuery, Depends(_page_query)]
"""A parameter of an endpoint that lists."""


class Cursors:
    """Signs and reads cursors."""

    def __init__(self, secret: bytes, previous: bytes | None = None) -> None:
        self.take(secret, previous)

    def take(self, secret: bytes, previous: bytes | None = None) -> None:
        """Sign with this secret from now on; what the previous one has signed is still read."""
        known = (secret, previous) if previous else (secret,)
        self._keys = [hashlib.blake2b(each[:64], person=b"payme.cursors").digest() for each in known]

    def encode(self, purpose: str, position: Sequence[Any]) -> str:
        """Return a cursor for a position: JSON values, or what `str` makes of them."""
        content = json.dumps(list(position), default=str, separators=(",", ":")).encode()
        return urlsafe_b64encode(_tag(self._keys[0], purpose, content=content) + content).rstrip(b"=").decode()

    def decode(self, purpose: str, cursor: str) -> list[Any]:
        """Return the position inside a cursor. Raises: CursorInvalid."""
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            raise CursorInvalid from None
        tag, content = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        found = [hmac.compare_digest(tag, _tag(key, purpose, content=content)) for key in self._keys]
        if not any(found):
            raise CursorInvalid
        return json.loads(content)


def _tag(key: bytes, purpose: str, *, content: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + content, "sha256")[:_TAG_BYTES]
