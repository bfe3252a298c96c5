"""SQL of conflicts: each clash once, however often a device repeats it."""

from typing import Any, Final
from uuid import UUID

from payme.features.sync.enums import Choice, ConflictKind, Outcome, Strategy
from payme.features.sync.schemas.rows import ConflictView
from payme.kit.ids import new_id
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

_COLUMNS: Final = """
        select id, collection, document_id, kind, strategy, outcome, fields, base, client, server, reason, device_id, actor_id,
          recorded_at, choice, resolved_by, resolved_at
        from sync_conflicts where business_id = $1"""
_LOCK: Final = "-- sync.lock_conflict" + _COLUMNS + " and id = $2 for update"
_LIST: Final = (
    "-- sync.list_conflicts"
    + _COLUMNS
    + """ and id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
          and ($3::boolean is null or (outcome = 'open' and choice is null) = $3)
        order by id desc limit $4"""
)


@value
class NewConflict:
    """A clash as it happened; `body_hash` is that of what was sent, `server_rev` of what it met."""

    collection: str
    document_id: UUID
    kind: ConflictKind
    strategy: Strategy
    outcome: Outcome
    fields: tuple[str, ...]
    base: dict[str, Any] | None
    client: dict[str, Any]
    server: dict[str, Any] | None
    reason: dict[str, Any] | None
    body_hash: bytes
    server_rev: int
    device_id: UUID | None


async def insert_conflict(uow: UnitOfWork, conflict: NewConflict) -> None:
    """Keep a clash; the very same one of before is not kept again."""
    await uow.execute(
        """-- sync.insert_conflict
        insert into sync_conflicts (business_id, id, collection, document_id, kind, strategy, outcome, fields, base, client, server,
          reason, body_hash, server_rev, device_id, actor_id, recorded_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        on conflict (business_id, collection, document_id, body_hash, server_rev) do nothing""",
        uow.tenant, new_id(), conflict.collection, conflict.document_id, conflict.kind, conflict.strategy, conflict.outcome,
        list(conflict.fields), conflict.base, conflict.client, conflict.server, conflict.reason, conflict.body_hash,
        conflict.server_rev, conflict.device_id, uow.actor.id, uow.now,
    )  # fmt: skip


async def lock_conflict(uow: UnitOfWork, conflict_id: UUID) -> ConflictView | None:
    """Lock and return a conflict, or None."""
    row = await uow.fetchrow(_LOCK, uow.tenant, conflict_id)
    return None if row is None else ConflictView.model_validate(dict(row))


async def list_conflicts(
    uow: UnitOfWork, *, before: UUID | None, is_open: bool | None, limit: int
) -> list[ConflictView]:
    """Return conflicts, the newest first, older than one; all, the open or the settled ones."""
    rows = await uow.fetch(_LIST, uow.tenant, before, is_open, limit)
    return [ConflictView.model_validate(dict(row)) for row in rows]


async def close_conflict(uow: UnitOfWork, conflict_id: UUID, choice: Choice) -> None:
    """Store what a person said about a locked conflict."""
    await uow.execute(
        """-- sync.close_conflict
        update sync_conflicts set choice = $3, resolved_by = $4, resolved_at = $5 where business_id = $1 and id = $2""",
        uow.tenant, conflict_id, choice, uow.actor.id, uow.now,
    )  # fmt: skip


async def count_open(uow: UnitOfWork) -> int:
    """Return how many conflicts wait for a person."""
    return await uow.fetchval(
        """-- sync.count_open_conflicts
        select count(*) from sync_conflicts where business_id = $1 and outcome = 'open' and choice is null""",
        uow.tenant,
    )
