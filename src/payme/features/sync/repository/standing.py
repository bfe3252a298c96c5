"""SQL of where the business and its devices stand: counter and epochs, chosen strategies, what was exchanged."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from payme.features.sync.enums import Strategy
from payme.features.sync.rules.checkpoints import Standing
from payme.features.sync.schemas.rows import DeviceExchange
from payme.kit.ids import new_id
from payme.kit.synced import Place
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class Exchange:
    """What one request of a device did; the figures are counts of rows."""

    kind: str
    collection: str
    device_id: UUID | None
    app_version: str
    rows: int = 0
    applied: int = 0
    rejected: int = 0
    duplicates: int = 0
    conflicts: int = 0
    body_bytes: int = 0
    duration_ms: int = 0
    protocol: int = 1


async def find_standing(uow: UnitOfWork) -> Standing:
    """Return the counter of the business and the forks of its epochs."""
    row = await uow.fetchrow(
        """-- sync.find_standing
        select s.epoch, s.seq, array(select e.epoch from sync_epochs e where e.business_id = $1 order by e.epoch) as epochs,
          array(select e.fork_seq from sync_epochs e where e.business_id = $1 order by e.epoch) as forks
        from sync_state($1) s""",
        uow.tenant,
    )
    if row is None:
        return Standing(1, 0, {})
    return Standing(row["epoch"], row["seq"], dict(zip(row["epochs"], row["forks"], strict=True)))


async def begin_epoch(uow: UnitOfWork) -> int:
    """Begin an epoch and return it."""
    return await uow.fetchval("-- sync.begin_epoch\nselect sync_begin_epoch($1, $2)", uow.tenant, uow.now)


async def page_ids(uow: UnitOfWork, collection: str, place: Place) -> list[tuple[UUID, int, int, bool]]:
    """Return id, sequence, revision and whether it is gone, of what changed in a collection after a place."""
    rows = await uow.fetch(
        """-- sync.page_ids
        select document_id, seq, rev, is_deleted from sync_page($1, $2, $3, $4, $5) order by seq, document_id limit $6""",
        uow.tenant, collection, place.sequence, place.id, place.branch_id, place.limit,
    )  # fmt: skip
    return [(row["document_id"], row["seq"], row["rev"], row["is_deleted"]) for row in rows]


async def find_latest(uow: UnitOfWork, collections: Sequence[str]) -> Mapping[str, int]:
    """Return the newest change of each collection."""
    rows = await uow.fetch(
        "-- sync.find_latest\nselect collection, seq from sync_latest($1, $2)", uow.tenant, list(collections)
    )
    return {row["collection"]: row["seq"] for row in rows}


async def list_strategies(uow: UnitOfWork) -> Mapping[str, Strategy]:
    """Return what the business has chosen, by collection."""
    rows = await uow.fetch(
        "-- sync.list_strategies\nselect collection, strategy from sync_strategies where business_id = $1", uow.tenant
    )
    return {row["collection"]: Strategy(row["strategy"]) for row in rows}


async def upsert_strategy(uow: UnitOfWork, collection: str, strategy: Strategy) -> None:
    """Store what the business chooses."""
    await uow.execute(
        """-- sync.upsert_strategy
        insert into sync_strategies (business_id, collection, strategy, changed_by, changed_at) values ($1, $2, $3, $4, $5)
        on conflict (business_id, collection)
        do update set strategy = excluded.strategy, changed_by = excluded.changed_by, changed_at = excluded.changed_at""",
        uow.tenant, collection, strategy, uow.actor.id, uow.now,
    )  # fmt: skip


async def insert_exchange(uow: UnitOfWork, exchange: Exchange) -> None:
    """Keep what was exchanged."""
    await uow.execute(
        """-- sync.insert_exchange
        insert into sync_audit (business_id, id, kind, collection, device_id, actor_id, rows, applied, rejected, duplicates,
          conflicts, body_bytes, duration_ms, protocol, app_version, recorded_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)""",
        uow.tenant, new_id(), exchange.kind, exchange.collection, exchange.device_id, uow.actor.id, exchange.rows,
        exchange.applied, exchange.rejected, exchange.duplicates, exchange.conflicts, exchange.body_bytes,
        exchange.duration_ms, exchange.protocol, exchange.app_version, uow.now,
    )  # fmt: skip


async def list_exchanges(uow: UnitOfWork) -> list[DeviceExchange]:
    """Return what each device exchanged last."""
    rows = await uow.fetch(
        """-- sync.list_exchanges
        select coalesce(a.device_id, d.device_id) as device_id, coalesce(a.last_push_at, d.last_push_at) as last_push_at,
          a.last_pull_at, coalesce(a.app_version, d.app_version) as app_version, d.contiguous_sequence, d.highest_sequence,
          d.gap_since, d.pending, d.oldest_pending_at, d.skew_milliseconds,
          case when d.gap_since is null then '{}' else sync_missing($1, d.device_id, 100) end as missing_sequences
        from (
          select device_id, max(recorded_at) filter (where kind in ('push', 'commands')) as last_push_at,
            max(recorded_at) filter (where kind = 'pull') as last_pull_at,
            (array_agg(app_version order by recorded_at desc))[1] as app_version
          from sync_audit where business_id = $1 group by device_id) a
        full join (select * from sync_devices where business_id = $1) d on d.device_id = a.device_id
        order by 1""",
        uow.tenant,
    )
    return [DeviceExchange.model_validate(dict(row)) for row in rows]


async def forget_exchanges(uow: UnitOfWork, before: datetime, *, limit: int) -> int:
    """Delete the oldest exchanges before an instant, so many at once; return how many."""
    return await uow.execute(
        """-- sync.forget_exchanges
        delete from sync_audit where business_id = $1 and id in (
          select id from sync_audit where business_id = $1 and recorded_at < $2 order by recorded_at limit $3)""",
        uow.tenant,
        before,
        limit,
    )
