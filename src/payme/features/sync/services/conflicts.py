"""Conflicts as people see and settle them. Settling writes the document by the same way as a push, and is audited."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from payme.features import audit
from payme.features.sync.enums import Choice, Outcome
from payme.features.sync.errors import ChoiceIncomplete, ConflictClosed, ConflictNotFound, WriteForbidden
from payme.features.sync.repository import conflicts, standing
from payme.features.sync.repository.standing import Exchange
from payme.features.sync.rules.clocks import Stamp, milliseconds_of
from payme.features.sync.rules.strategies import Content, taken_from
from payme.features.sync.schemas.rows import ConflictView, ResolveConflict
from payme.features.sync.services.collections import Collection
from payme.features.sync.services.registry import find_collection
from payme.features.sync.services.stored import read_stored
from payme.runtime.database import UnitOfWork


async def list_conflicts(
    uow: UnitOfWork, *, before: UUID | None, is_open: bool | None, limit: int
) -> list[ConflictView]:
    """Return conflicts, the newest first; all, those that wait for a person, or the others."""
    return await conflicts.list_conflicts(uow, before=before, is_open=is_open, limit=limit)


async def resolve_conflict(uow: UnitOfWork, conflict_id: UUID, *, command: ResolveConflict) -> ConflictView:
    """Settle an open conflict: nothing changes, the device's fields are taken, or a third document is written.

    Raises: ConflictNotFound, ConflictClosed, ChoiceIncomplete, DocumentInvalid, WriteForbidden, and what the document's owner refuses.
    """
    conflict = await conflicts.lock_conflict(uow, conflict_id)
    if conflict is None:
        raise ConflictNotFound(conflict_id=conflict_id)
    if conflict.outcome is not Outcome.OPEN or conflict.choice is not None:
        raise ConflictClosed(outcome=conflict.outcome, choice=conflict.choice)
    if (command.document is None) == (command.choice is Choice.MERGED):
        raise ChoiceIncomplete
    if command.choice is not Choice.SERVER:
        await _write(uow, conflict, command.document)
    await conflicts.close_conflict(uow, conflict_id, command.choice)
    audit.record(uow, "sync.conflict_resolved", conflict.document_id, conflict_id=conflict_id, choice=command.choice)
    uow.touch("conflicts", conflict_id)
    await standing.insert_exchange(uow, Exchange("conflict", conflict.collection, None, "", rows=1, applied=1))
    return conflict.model_copy(update={"choice": command.choice, "resolved_by": uow.actor.id, "resolved_at": uow.now})


async def _write(uow: UnitOfWork, conflict: ConflictView, document: Mapping[str, Any] | None) -> None:
    collection = find_collection(conflict.collection)
    if not uow.actor.may(collection.writes):
        raise WriteForbidden(collection=collection.name)
    current = await read_stored(uow, collection, conflict.document_id)
    wanted = _wanted(uow, collection, conflict, document=document, current=current)
    if not wanted.same_as(current):
        # Settled by a person now, whatever the devices' clocks said.
        settled = replace(wanted, written_at=Stamp(milliseconds_of(uow.now), 0, "server"))
        await collection.write(uow, conflict.document_id, settled, current=current)


def _wanted(
    uow: UnitOfWork, collection: Collection, conflict: ConflictView, *, document: Mapping[str, Any] | None,
    current: Content | None,
) -> Content:  # fmt: skip
    held: Mapping[str, Any] = {} if current is None else current.fields
    if document is not None:
        return collection.read(document, now=uow.now, absent=held)
    sent = collection.read(conflict.client, now=uow.now, absent=held)
    return sent if current is None else taken_from(current, sent, fields=tuple(conflict.fields))
