"""Rows that a device changed: each is applied, recognised, answered with what the server keeps, or refused; never the batch.

Each row is a transaction, so that one that is refused undoes nothing of the others and a repeated batch finds its first half
done. Invariant: no change is lost in silence; what does not stand is kept as a conflict.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from time import monotonic
from typing import Any

from payme.features.sync.enums import ConflictKind, Outcome, Strategy
from payme.features.sync.errors import CollectionReadOnly, DocumentInvalid, TooManyOperations, WriteForbidden
from payme.features.sync.repository import conflicts, standing
from payme.features.sync.repository.conflicts import NewConflict
from payme.features.sync.rules.strategies import DELETED, Clash, Content, Decision, decide
from payme.features.sync.schemas.rows import MOST_OPERATIONS, Document, PushRow
from payme.features.sync.services.collections import Collection
from payme.features.sync.services.pull_rows import tombstone
from payme.features.sync.services.senders import Sender
from payme.kit.errors import DomainError
from payme.kit.synced import ChangedRow
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

_MILLISECONDS = 1_000


class Verdict(Enum):
    """What became of one row."""

    APPLIED = "applied"
    DUPLICATE = "duplicates"
    CONFLICT = "conflicts"
    REJECTED = "rejected"


@value
class Answer:
    """The verdict, and the server's document as JSON where the row was not taken as it was sent."""

    verdict: Verdict
    document: str | None = None


async def push_rows(sender: Sender, collection: Collection, rows: Sequence[PushRow]) -> tuple[list[str], int]:
    """Take rows one by one; return the server's document for each that was not taken as sent, and the epoch.

    Raises: CollectionReadOnly, TooManyOperations.
    """
    if not collection.strategies:
        raise CollectionReadOnly(collection=collection.name)
    if len(rows) > MOST_OPERATIONS:
        raise TooManyOperations(most=MOST_OPERATIONS, sent=len(rows))
    begun = monotonic()
    answers = [await _take(sender, collection, row) for row in rows]
    counts = {each.value: sum(answer.verdict is each for answer in answers) for each in Verdict}
    exchange = replace(
        sender.exchange("push", collection.name),
        rows=len(rows),
        duration_ms=int((monotonic() - begun) * _MILLISECONDS),
        **counts,
    )
    epoch = await sender.record(exchange)
    return [answer.document for answer in answers if answer.document is not None], epoch


async def push_row(uow: UnitOfWork, collection: Collection, row: PushRow, *, sender: Sender) -> Answer:
    """Decide about one row and write what was decided. Raises: what the collection's owner refuses."""
    strategy = await strategy_of(uow, collection)
    stored = await collection.lock(uow, row.new.id)
    current_fields = _fields(stored)
    current = None if current_fields is None else collection.read(current_fields, now=uow.now)
    assumed = _read_assumed(uow, collection, row, current=current)
    sent = _read_sent(uow, collection, row, current=current)
    decision = decide(strategy, sent, assumed=assumed, current=current, manual=collection.manual)
    if decision.write is None and decision.clash is None:
        return Answer(Verdict.DUPLICATE)
    if not uow.actor.may(collection.writes):
        raise WriteForbidden(collection=collection.name)
    if decision.write is not None:
        await collection.write(uow, row.new.id, decision.write, current=current)
    if decision.clash is None:
        return Answer(Verdict.APPLIED)
    await conflicts.insert_conflict(
        uow, _conflict(collection, row, stored, clash=decision.clash, strategy=strategy, sender=sender)
    )
    return Answer(Verdict.CONFLICT, await _answer(uow, collection, row, sent=sent, decision=decision))


async def strategy_of(uow: UnitOfWork, collection: Collection) -> Strategy:
    """Return who wins in a collection: what the business has chosen, or what its kind begins with."""
    return (await standing.list_strategies(uow)).get(collection.name, collection.strategies[0])


async def _take(sender: Sender, collection: Collection, row: PushRow) -> Answer:
    database, tenant, actor = sender.database, sender.business_id, sender.actor
    try:
        return await database.run(
            lambda uow: push_row(uow, collection, row, sender=sender), business_id=tenant, actor=actor
        )
    except DomainError as error:
        reason = {
            "code": error.code,
            "message": error.message,
            **{name: str(each) for name, each in error.facts.items()},
        }
    return await database.run(
        lambda uow: _keep_refused(uow, collection, row, reason=reason, sender=sender), business_id=tenant, actor=actor
    )


async def _keep_refused(
    uow: UnitOfWork, collection: Collection, row: PushRow, *, reason: dict[str, Any], sender: Sender
) -> Answer:
    stored = await collection.lock(uow, row.new.id)
    strategy = await strategy_of(uow, collection)
    clash = Clash(ConflictKind.REFUSED, Outcome.SERVER, ())
    conflict = _conflict(collection, row, stored, clash=clash, strategy=strategy, sender=sender)
    await conflicts.insert_conflict(uow, replace(conflict, reason=reason))
    return Answer(Verdict.REJECTED, _shown(stored, row))


async def _answer(
    uow: UnitOfWork, collection: Collection, row: PushRow, *, sent: Content, decision: Decision
) -> str | None:
    """Return the document that stands, or None where it is what was sent."""
    if decision.write is not None and sent.same_as(decision.write):
        return None
    return _shown(await collection.lock(uow, row.new.id), row)


def _read_sent(uow: UnitOfWork, collection: Collection, row: PushRow, *, current: Content | None) -> Content:
    # An older app does not know every field; one that it had before and leaves out now was emptied.
    known = set[str]() if row.assumed is None else row.assumed.fields().keys()
    kept: Mapping[str, Any] = {} if current is None or row.assumed is None else current.fields
    absent = {name: each for name, each in kept.items() if name not in known}
    return collection.read(row.new.fields(), now=uow.now, absent=absent)


def _read_assumed(uow: UnitOfWork, collection: Collection, row: PushRow, *, current: Content | None) -> Content | None:
    if row.assumed is None:
        return None
    if row.assumed.id != row.new.id:
        raise DocumentInvalid(pointer="/assumedMasterState/id", reason="another_document")
    try:
        return collection.read(row.assumed.fields(), now=uow.now, absent=current.fields if current else None)
    except DocumentInvalid:
        return None


def _fields(stored: ChangedRow | None) -> dict[str, Any] | None:
    return None if stored is None or stored.document is None else json.loads(stored.document)


def _shown(stored: ChangedRow | None, row: PushRow) -> str:
    fields = _fields(stored)
    if stored is None or stored.document is None or fields is None or fields[DELETED]:
        return tombstone(row.new.id, 0 if stored is None else stored.rev)
    return stored.document


def _conflict(
    collection: Collection, row: PushRow, stored: ChangedRow | None, *, clash: Clash, strategy: Strategy, sender: Sender
) -> NewConflict:
    return NewConflict(
        collection=collection.name,
        document_id=row.new.id,
        kind=clash.kind,
        strategy=strategy,
        outcome=clash.outcome,
        fields=clash.fields,
        base=None if row.assumed is None else _kept(row.assumed, collection),
        client=_kept(row.new, collection),
        server=_fields(stored),
        reason=None,
        body_hash=hashlib.sha256(row.model_dump_json(by_alias=True).encode()).digest(),
        server_rev=0 if stored is None else stored.rev,
        device_id=sender.device_id,
    )


def _kept(document: Document, collection: Collection) -> dict[str, Any]:
    fields = {name: each for name, each in document.fields().items() if name not in collection.private}
    return {"id": str(document.id), **fields}
