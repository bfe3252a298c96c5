"""All SQL of the audit log. Rows are only ever added; the app's role may do nothing else."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from payme.features.audit.rules import plain
from payme.features.audit.schemas import AuditEntry
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork, WriteOrder

if TYPE_CHECKING:
    from asyncpg import Record

_LARGEST_ID = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The last link of a chain."""

    position: int
    hash: bytes


def record(uow: UnitOfWork, action: str, subject_id: UUID, /, **facts: Any) -> None:
    """Record that the actor did something to a subject; the row is written at the flush, in the same transaction."""
    document = json.dumps(plain(facts), allow_nan=False)
    uow.defer(
        WriteOrder.COLD,
        "audit_record($1,$2,$3,$4,$5,$6,$7,$8)",
        uow.tenant,
        new_id(),
        uow.actor.kind,
        uow.actor.id,
        action,
        subject_id,
        document,
        uow.now,
    )


async def list_entries(
    uow: UnitOfWork, *, before: UUID | None, limit: int, action: str | None, subject_id: UUID | None
) -> list[AuditEntry]:
    """Return entries, newest first, older than the id `before`."""
    rows = await uow.fetch(
        """-- audit.list_entries
        select id, actor_kind, actor_id, action, subject_id, facts, recorded_at
        from audit_log
        where business_id = $1 and id < $2 and ($3::text is null or action = $3) and ($4::uuid is null or subject_id = $4)
        order by id desc
        limit $5
        """,
        uow.tenant,
        before or _LARGEST_ID,
        action,
        subject_id,
        limit,
    )
    return [AuditEntry.model_validate(dict(row)) for row in rows]


async def try_lock_chain(uow: UnitOfWork) -> bool:
    """Take the chain of the business for this transaction, without waiting; writers of the log never take it."""
    return await uow.fetchval(
        """-- audit.try_lock_chain
        select pg_try_advisory_xact_lock(hashtextextended('audit_chain:' || $1::text, 0))
        """,
        str(uow.tenant),
    )


async def find_chain_end(uow: UnitOfWork) -> ChainEnd | None:
    """Return the last link, or None for a business whose log was never sealed."""
    row = await uow.fetchrow(
        """-- audit.find_chain_end
        select position, hash from audit_chain where business_id = $1 order by position desc limit 1
        """,
        uow.tenant,
    )
    return ChainEnd(row["position"], row["hash"]) if row else None


async def list_unsealed(uow: UnitOfWork, *, limit: int, thorough: bool) -> "list[Record]":
    """Return rows to seal next, in the order of the chain: those of transactions that are finished for certain.

    A transaction below the snapshot's xmin has ended, so no row can appear before the last one returned. A number at or above
    xmax comes from the database this one was restored from. Where the last link is such a row, or when asked to be thorough,
    the whole log is searched for rows without a link instead of only what follows the last link.
    """
    return await uow.fetch(
        """-- audit.list_unsealed
        with bounds as (
          select pg_snapshot_xmin(pg_current_snapshot()) as xmin, pg_snapshot_xmax(pg_current_snapshot()) as xmax
        ), last_link as (
          select l.transaction_id, l.id
          from (select audit_id from audit_chain where business_id = $1 order by position desc limit 1) c
          join audit_log l on l.business_id = $1 and l.id = c.audit_id, bounds
          where l.transaction_id < bounds.xmin and not $2::boolean
        ), start as (
          select coalesce((select transaction_id from last_link), '0'::xid8) as transaction_id,
            coalesce((select id from last_link), '00000000-0000-0000-0000-000000000000'::uuid) as id
        )
        select l.business_id, l.id, l.actor_kind, l.actor_id, l.action, l.subject_id, l.facts, l.recorded_at
        from audit_log l, bounds, start
        where l.business_id = $1
          and (l.transaction_id, l.id) > (start.transaction_id, start.id)
          and (l.transaction_id < bounds.xmin or l.transaction_id >= bounds.xmax)
          and not exists (select 1 from audit_chain c where c.business_id = $1 and c.audit_id = l.id)
        order by l.transaction_id, l.id
        limit $3
        """,
        uow.tenant,
        thorough,
        limit,
    )


async def add_links(uow: UnitOfWork, *, first: int, links: Sequence[tuple[UUID, bytes]], sealed_at: datetime) -> None:
    """Append links to the chain, the first of them at position `first`; a position taken meanwhile is an error."""
    await uow.execute(
        """-- audit.add_links
        insert into audit_chain (business_id, position, audit_id, hash, sealed_at)
        select $1, $2 + t.place - 1, t.audit_id, t.hash, $5
        from unnest($3::uuid[], $4::bytea[]) with ordinality t (audit_id, hash, place)
        """,
        uow.tenant,
        first,
        [audit_id for audit_id, _ in links],
        [hash_ for _, hash_ in links],
        sealed_at,
    )


async def list_links(uow: UnitOfWork, *, after: int, limit: int) -> "list[Record]":
    """Return links in order with the row each one covers; `id` is null where the row is gone."""
    return await uow.fetch(
        """-- audit.list_links
        select c.position, c.audit_id, c.hash,
          l.business_id, l.id, l.actor_kind, l.actor_id, l.action, l.subject_id, l.facts, l.recorded_at
        from audit_chain c
        left join audit_log l on l.business_id = c.business_id and l.id = c.audit_id
        where c.business_id = $1 and c.position > $2
        order by c.position
        limit $3
        """,
        uow.tenant,
        after,
        limit,
    )


async def count_waiting(uow: UnitOfWork) -> int:
    """Return how many rows have no link yet."""
    return await uow.fetchval(
        """-- audit.count_waiting
        select count(*) from audit_log l
        where l.business_id = $1
          and not exists (select 1 from audit_chain c where c.business_id = $1 and c.audit_id = l.id)
        """,
        uow.tenant,
    )


async def list_slipped_in(uow: UnitOfWork, *, limit: int) -> list[UUID]:
    """Return rows without a link that claim a transaction older than the last one sealed: the sealer has passed that place."""
    rows = await uow.fetch(
        """-- audit.list_slipped_in
        with last_link as (
          select l.transaction_id
          from (select audit_id from audit_chain where business_id = $1 order by position desc limit 1) c
          join audit_log l on l.business_id = $1 and l.id = c.audit_id
          where l.transaction_id < pg_snapshot_xmin(pg_current_snapshot())
        )
        select l.id from audit_log l, last_link
        where l.business_id = $1 and l.transaction_id <= last_link.transaction_id
          and not exists (select 1 from audit_chain c where c.business_id = $1 and c.audit_id = l.id)
        order by l.id
        limit $2
        """,
        uow.tenant,
        limit,
    )
    return [row["id"] for row in rows]
