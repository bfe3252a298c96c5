"""Idempotency-Key: one key has one effect, and every later call with it gets the very same bytes.

Optimistic: the work runs at once and its reply is stored by the same statement that takes the shared rows, so the usual call
pays nothing for a look-up. Only when the work is refused, or the key turns out to be taken, is the stored reply looked for.
Refusals are not stored, and what a caller may no longer see is left out of a repetition. Calls with one key in one process
wait for each other instead of doing the work many times.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final, cast

from starlette.responses import Response

from payme.kit.values import value
from payme.runtime.database import DatabaseBusy, DatabaseUnavailable, Reply
from payme.runtime.fault_points import FaultPoint, reach
from payme.runtime.http.bodies import parse_json
from payme.runtime.http.errors import KeyInvalid, KeyRequired, KeyReused, KeyTaken, ServiceUnavailable, StillRunning

if TYPE_CHECKING:
    from uuid import UUID

    from pydantic import BaseModel

    from payme.kit.actor import Actor
    from payme.runtime.database import Database, UnitOfWork

HEADER: Final = "idempotency-key"
_LONGEST: Final = 255
KEY_SCHEMA: Final = {"minLength": 1, "maxLength": _LONGEST, "pattern": "^[!-~]([ -~]*[!-~])?$"}
"""How a key is written, for the document; spaces around it are not part of it."""
_FIND = """
-- http.find_reply
select fingerprint, status, response from idempotency_keys where business_id = $1 and scope = $2 and key = $3
"""

Flights = dict[tuple["UUID", str, str], asyncio.Event]
Work = Callable[["UnitOfWork"], Awaitable["BaseModel"]]
Check = Callable[[], Awaitable[None]]
StatusOf = Callable[[Any], int]


@value
class Attempt:
    """One try under a key: whose, of what, and until when it may wait for another (the event loop's clock).

    `answer_by`, on the same clock: until when it must be answered.
    """

    business_id: UUID
    actor: Actor
    scope: str
    key: str
    fingerprint: bytes
    status: StatusOf
    """What the view is answered with."""
    deadline: float
    answer_by: float
    before: Check | None = None
    """What is asked once, outside the transaction, and may refuse; a reply that was given before is given all the same."""
    hides: Mapping[str, AbstractSet[str]] | None = None
    """Fields of the answer that are null for an actor without a permission, by that permission."""

    @property
    def identity(self) -> tuple[UUID, str, str]:
        """What one effect belongs to."""
        return self.business_id, self.scope, self.key


@value
class _Stored:
    fingerprint: bytes
    status: int
    response: str


async def answer_once(database: Database, attempt: Attempt, *, work: Work, flights: Flights) -> Response:
    """Answer with the work's view, or with what was answered before under the same key.

    Raises: KeyReused, StillRunning, ServiceUnavailable when the time is up, and what the work raises.
    """
    while (first := flights.get(attempt.identity)) is not None:
        stored = await _after(database, attempt, first=first)
        if stored is not None:
            return _replay(stored, attempt)
    landed = flights[attempt.identity] = asyncio.Event()
    try:
        async with asyncio.timeout_at(attempt.answer_by):
            return await _try(database, attempt, work=work)
    except TimeoutError as error:
        # What was under way is rolled back, or its commit is in doubt: the same key finds out.
        raise ServiceUnavailable from error
    finally:
        del flights[attempt.identity]
        landed.set()


def key_of(header: str | None) -> str:
    """Return the key. Raises: KeyRequired, KeyInvalid."""
    if header is None:
        raise KeyRequired
    key = header.strip()
    if not 1 <= len(key) <= _LONGEST or not key.isascii() or not key.isprintable():
        raise KeyInvalid
    return key


def fingerprint_of(body: bytes, path_params: dict[str, Any], *, key: bytes, is_json: bool = True) -> bytes:
    """Return what a body is compared by: HMAC-SHA-256 of its JSON in canonical order, and of the parameters of the path.

    It is kept, and a body may hold an approver's PIN: without the key nobody can try which one it was.

    White space and the order of members do not count. Python's own encoder makes the form, because it never leaves this
    database and takes a third of the time of RFC 8785.
    """
    content = body
    if is_json and body:
        content = json.dumps(parse_json(body), sort_keys=True, separators=(",", ":")).encode()
    place = "\n".join(f"{name}={value}" for name, value in sorted(path_params.items())).encode()
    return hmac.digest(key, place + b"\0" + content, "sha256")


async def _try(database: Database, attempt: Attempt, *, work: Work) -> Response:
    async def run(uow: UnitOfWork) -> tuple[str, int]:
        view = await work(uow)
        body = view.__pydantic_serializer__.to_json(view).decode()
        status = attempt.status(view)
        stored = await uow.flush(Reply(attempt.scope, attempt.key, attempt.fingerprint, status, body))
        assert stored is not None, "a flush with a reply returns the reply"
        reach(FaultPoint.REPLY_BEFORE_COMMIT)
        return stored, status

    before = attempt.before
    while True:
        try:
            if before is not None:
                await before()
                before = None
            body, status = await database.run(run, business_id=attempt.business_id, actor=attempt.actor)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            # Whatever stopped it may be the first call's own effect: the last unit sold, an id that now exists.
            stored = await _find(database, attempt)
            if stored is not None:
                return _replay(stored, attempt)
            if not isinstance(error, (KeyTaken, DatabaseBusy)):
                raise
            if isinstance(error, KeyTaken):
                _check_deadline(attempt)
            await asyncio.sleep(random.uniform(0.02, 0.1))  # noqa: S311 -- jitter is no secret
        else:
            reach(FaultPoint.REPLY_AFTER_COMMIT)
            return Response(body.encode(), status, {"cache-control": "no-store"}, "application/json")


async def _after(database: Database, attempt: Attempt, *, first: asyncio.Event) -> _Stored | None:
    try:
        async with asyncio.timeout_at(attempt.deadline):
            await first.wait()
    except TimeoutError:
        raise StillRunning(retry_after_seconds=1) from None
    return await _find(database, attempt)


async def _find(database: Database, attempt: Attempt) -> _Stored | None:
    async def look(uow: UnitOfWork) -> _Stored | None:
        row = await uow.fetchrow(_FIND, attempt.business_id, attempt.scope, attempt.key)
        return None if row is None else _Stored(row["fingerprint"], row["status"], row["response"])

    return await database.run(look, business_id=attempt.business_id, actor=attempt.actor, read_only=True)


def _replay(stored: _Stored, attempt: Attempt) -> Response:
    if stored.fingerprint != attempt.fingerprint:
        raise KeyReused
    headers = {"cache-control": "no-store", "idempotency-replayed": "true"}
    return Response(_shown(stored.response, attempt).encode(), stored.status, headers, "application/json")


def _shown(response: str, attempt: Attempt) -> str:
    """Return a stored reply without what its caller may no longer see; the very same text where there is nothing of it."""
    hidden = {
        name
        for permission, names in (attempt.hides or {}).items()
        if not attempt.actor.may(permission)
        for name in names
    }
    if not hidden:
        return response
    document = json.loads(response)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) if _blank(document, hidden) else response


def _blank(document: Any, hidden: AbstractSet[str]) -> bool:
    """Set these fields to null wherever they stand; say whether one was not."""
    known: list[str] = []
    inner: list[Any] = []
    if isinstance(document, dict):
        members = cast("dict[str, Any]", document)
        known = [name for name in members if name in hidden and members[name] is not None]
        members.update(dict.fromkeys(known))
        inner = list(members.values())
    elif isinstance(document, list):
        inner = cast("list[Any]", document)
    within = [_blank(each, hidden) for each in inner]
    return bool(known) or any(within)


def _check_deadline(attempt: Attempt) -> None:
    if asyncio.get_running_loop().time() >= attempt.deadline:
        raise StillRunning(retry_after_seconds=1)
