"""The inbox: what a provider sends is stored as it came, answered, and understood later, once.

A callback's path carries a secret that leads to the business and the thing it is about; only the secret's hash is kept.
Invariant: an entry leaves the state `received` in the transaction that holds its effects, and never twice.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid5

from payme.kit.errors import NotFound
from payme.kit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from payme.runtime.database import UnitOfWork

State = Literal["received", "handled", "malformed", "ignored"]
_OPEN = """
-- inbox.open_route
insert into callback_routes (token_hash, business_id, kind, subject_id, created_at) values ($1, $2, $3, $4, $5)
"""
_RECORD = """
-- inbox.record_callback
insert into callback_inbox (id, business_id, kind, subject_id, headers, body, remote_address, received_at)
select $2, business_id, kind, subject_id, $4, $5, $6, $7 from callback_routes where token_hash = $1 and kind = $3
returning business_id, subject_id
"""
_FIND_ROUTE = """
-- inbox.find_route
select business_id, subject_id from callback_routes where token_hash = $1 and kind = $2
"""
_LOCK = """
-- inbox.lock_entry
select business_id, kind, subject_id, headers, body, state, received_at from callback_inbox where id = $1 for update
"""
_LIST_IGNORED = """
-- inbox.list_ignored
select body, received_at from callback_inbox
where business_id = $1 and state = 'ignored' and kind = $2 and note = any($3) order by received_at
"""
_KEEP = """
-- inbox.keep_as_ignored
insert into callback_inbox (id, business_id, kind, subject_id, headers, body, remote_address, state, note, received_at, handled_at)
values ($1, $2, $3, $1, '{}', $4, '', 'ignored', $5, $6, $6) on conflict (id) do nothing
"""
_EXPLAIN = """
-- inbox.explain_ignored
update callback_inbox set note = $3 where business_id = $1 and id = $2 and state = 'ignored'
"""
_MARK = "-- inbox.mark_entry\nupdate callback_inbox set state = $2, note = $3, handled_at = $4 where id = $1"


class InboxEntryNotFound(NotFound):
    """There is no such entry in the inbox."""

    code = "inbox.entry_not_found"


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """Something that was stored just now, and what it is about."""

    id: UUID
    business_id: UUID
    subject_id: UUID


@dataclass(frozen=True, slots=True)
class Route:
    """Where a secret leads: a business, and what the caller speaks about."""

    business_id: UUID
    subject_id: UUID


@dataclass(frozen=True, slots=True)
class Ignored:
    """An entry that was understood and changed nothing."""

    body: bytes
    received_at: datetime


@dataclass(slots=True)
class InboxItem:
    """An entry under lock, to be understood; it counts as handled unless it is declared otherwise."""

    id: UUID
    business_id: UUID
    kind: str
    subject_id: UUID
    headers: Mapping[str, Any]
    body: bytes
    state: State = field(default="handled")
    note: str = ""

    def ignore(self, note: str) -> None:
        """Declare that it was understood and changes nothing."""
        self.state, self.note = "ignored", note

    def malformed(self, note: str) -> None:
        """Declare that nobody can understand it; it stays for a person to look at."""
        self.state, self.note = "malformed", note


async def open_route(uow: UnitOfWork, *, kind: str, subject_id: UUID) -> str:
    """Make the secret for the path of callbacks about one thing, and return it; it cannot be had again."""
    # Hexadecimal: other alphabets can spell words for which Safaricom refuses an address.
    token = secrets.token_hex(32)
    await uow.execute(_OPEN, _hashed(token), uow.tenant, kind, subject_id, uow.now)
    return token


async def find_route(uow: UnitOfWork, token: str, *, kind: str) -> Route | None:
    """Return where a secret leads, without keeping anything; None where it leads nowhere. The transaction needs no business."""
    row = await uow.fetchrow(_FIND_ROUTE, _hashed(token), kind)
    return Route(row["business_id"], row["subject_id"]) if row else None


async def record_callback(
    uow: UnitOfWork, token: str, *, kind: str, headers: Mapping[str, str], body: bytes, remote_address: str
) -> InboxEntry | None:
    """Store what came in, as it came; return None where the token leads nowhere. The transaction needs no business."""
    entry_id = new_id()
    row = await uow.fetchrow(_RECORD, _hashed(token), entry_id, kind, dict(headers), body, remote_address, uow.now)
    return InboxEntry(entry_id, row["business_id"], row["subject_id"]) if row else None


async def list_ignored(uow: UnitOfWork, kind: str, *, notes: Sequence[str]) -> list[Ignored]:
    """Return the business's entries of a kind that were ignored for one of some reasons, oldest first."""
    rows = await uow.fetch(_LIST_IGNORED, uow.tenant, kind, list(notes))
    return [Ignored(row["body"], row["received_at"]) for row in rows]


async def keep_as_ignored(uow: UnitOfWork, kind: str, *, name: str, body: bytes, note: str) -> UUID:
    """Keep for a person what nobody sent and we found out by asking, once under its name; return its place."""
    entry_id = uuid5(uow.tenant, f"{kind}:{name}")
    if await uow.execute(_KEEP, entry_id, uow.tenant, kind, body, note, uow.now):
        # An entry is about what its address led to; this one's nobody knows.
        await open_route(uow, kind=kind, subject_id=entry_id)
    return entry_id


async def explain_ignored(uow: UnitOfWork, entry_id: UUID, note: str) -> None:
    """Say better why an entry of the business was ignored; one that was not stays."""
    await uow.execute(_EXPLAIN, uow.tenant, entry_id, note)


@asynccontextmanager
async def handling(uow: UnitOfWork, entry_id: UUID) -> AsyncGenerator[InboxItem | None]:
    """Lock an entry, give it to the body, and mark it in the same transaction; give None where it was marked before.

    Raises: InboxEntryNotFound.
    """
    row = await uow.fetchrow(_LOCK, entry_id)
    if row is None:
        raise InboxEntryNotFound(id=str(entry_id))
    if row["state"] != "received":
        yield None
        return
    item = InboxItem(entry_id, row["business_id"], row["kind"], row["subject_id"], row["headers"], row["body"])
    yield item
    await uow.execute(_MARK, entry_id, item.state, item.note, uow.now)


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
