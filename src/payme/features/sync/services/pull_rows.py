"""Pages of what changed, in the order in which it was committed.

Invariant: a page holds exactly as many documents as were asked for unless it is the last; a client takes a shorter one as the end.
"""

import time
from dataclasses import replace
from uuid import UUID

from payme.features.sync.repository import standing
from payme.features.sync.repository.standing import Exchange
from payme.features.sync.rules.checkpoints import begin_at
from payme.features.sync.services.collections import Collection
from payme.kit.synced import ChangedRow, Place
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class Pulled:
    """A page as JSON text, and the epoch it belongs to."""

    body: str
    epoch: int


async def pull_rows(
    uow: UnitOfWork, collection: Collection, asked: Place, *, epoch: int | None, exchange: Exchange
) -> Pulled:
    """Return the page after a place, and record that it was asked for. Raises: ResyncRequired."""
    begun = time.perf_counter_ns()
    now = await standing.find_standing(uow)
    place = begin_at(asked, epoch, standing=now)
    rows = await collection.page(uow, place)
    sequence, last = (rows[-1].sequence, rows[-1].id) if rows else (place.sequence, place.id)
    documents = ",".join(map(as_sent, rows))
    body = f'{{"documents":[{documents}],"checkpoint":{{"epoch":{now.epoch},"seq":{sequence},"id":"{last}"}}}}'
    await standing.insert_exchange(
        uow, replace(exchange, rows=len(rows), body_bytes=len(body), duration_ms=_since(begun))
    )
    return Pulled(body, now.epoch)


def as_sent(row: ChangedRow) -> str:
    """Return a row as it goes over the wire; what is gone is its id and `_deleted`."""
    return row.document or tombstone(row.id, row.rev)


def tombstone(document_id: UUID, rev: int) -> str:
    """Return the document that stands for one that is gone."""
    return f'{{"id":"{document_id}","rev":{rev},"_deleted":true}}'


def _since(begun: int) -> int:
    return (time.perf_counter_ns() - begun) // 1_000_000
