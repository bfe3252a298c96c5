"""Where a business stands with its devices, who wins in its collections, and what a restore begins."""

from datetime import timedelta
from typing import Final

from payme.features import audit
from payme.features.sync.enums import Strategy
from payme.features.sync.errors import CollectionReadOnly, StrategyNotAllowed
from payme.features.sync.repository import conflicts, standing
from payme.features.sync.schemas.rows import CollectionView, SyncStatus
from payme.features.sync.services.registry import COLLECTIONS, find_collection
from payme.runtime.database import UnitOfWork

MOST_AT_ONCE: Final = 1_000
_STAMPS: Final = {each.stamp: each.name for each in COLLECTIONS.values()}


async def show_status(uow: UnitOfWork) -> SyncStatus:
    """Return the counter, the open conflicts, and what each device exchanged last."""
    now = await standing.find_standing(uow)
    return SyncStatus(
        epoch=now.epoch,
        seq=now.sequence,
        server_time=uow.now,
        open_conflicts=await conflicts.count_open(uow),
        devices=await standing.list_exchanges(uow),
    )


async def list_collections(uow: UnitOfWork) -> list[CollectionView]:
    """Return every collection with who wins in it."""
    chosen = await standing.list_strategies(uow)
    return [_view(name, chosen.get(name)) for name in COLLECTIONS]


async def choose_strategy(uow: UnitOfWork, name: str, strategy: Strategy) -> CollectionView:
    """Choose who wins in a collection. Raises: CollectionUnknown, CollectionReadOnly, StrategyNotAllowed."""
    collection = find_collection(name)
    if not collection.strategies:
        raise CollectionReadOnly(collection=name)
    if strategy not in collection.strategies:
        raise StrategyNotAllowed(strategy=strategy, allowed=list(collection.strategies))
    await standing.upsert_strategy(uow, name, strategy)
    audit.record(uow, "sync.strategy_chosen", uow.tenant, collection=name, strategy=strategy)
    return _view(name, strategy)


async def find_latest(uow: UnitOfWork) -> dict[str, int]:
    """Return the newest change of each collection, by its name."""
    latest = await standing.find_latest(uow, list(_STAMPS))
    return {_STAMPS[stamp]: sequence for stamp, sequence in latest.items()}


async def begin_epoch(uow: UnitOfWork) -> int:
    """Begin an epoch after a restore to an earlier instant, and return it; devices are then served from the fork."""
    epoch = await standing.begin_epoch(uow)
    audit.record(uow, "sync.epoch_begun", uow.tenant, epoch=epoch)
    return epoch


async def forget_exchanges(uow: UnitOfWork, kept: timedelta) -> int:
    """Delete the oldest exchanges beyond the time they are kept, so many at once; return how many."""
    return await standing.forget_exchanges(uow, uow.now - kept, limit=MOST_AT_ONCE)


def _view(name: str, chosen: Strategy | None) -> CollectionView:
    collection = COLLECTIONS[name]
    first = collection.strategies[0] if collection.strategies else None
    return CollectionView(
        name=name, kind=collection.kind, strategy=chosen or first, allowed=list(collection.strategies)
    )
