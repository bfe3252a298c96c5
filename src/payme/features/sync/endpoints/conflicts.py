"""Conflicts, the strategies behind them and the standing of devices, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.sync.errors import (
    ChoiceIncomplete,
    CollectionReadOnly,
    CollectionUnknown,
    ConflictClosed,
    ConflictNotFound,
    DocumentInvalid,
    StrategyNotAllowed,
    WriteForbidden,
)
from payme.features.sync.schemas.rows import (
    ChooseStrategy,
    CollectionView,
    ConflictView,
    ResolveConflict,
    SyncStatus,
)
from payme.features.sync.services import conflicts, standing
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}/sync", tag="sync")


@router.get("/status", operation="sync_status", may="sync.review", response=SyncStatus)
async def show_status(call: Call) -> Response:
    """Read how far the business has counted, how many conflicts wait, and what each device exchanged last."""
    return await call.read(standing.show_status)


@router.get("/conflicts", operation="sync_conflicts", may="sync.review", response=Page[ConflictView])
async def list_page(
    call: Call,
    query: Paging,
    *,
    is_open: Annotated[
        bool | None, Query(alias="open", description="Those that wait for a person, or the others")
    ] = None,
) -> Response:
    """List conflicts, newest first, also those that a strategy settled."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[ConflictView]:
        before = UUID(after[0]) if after else None
        return await conflicts.list_conflicts(uow, before=before, is_open=is_open, limit=limit)

    return await call.read_page(query, work, key=lambda row: [str(row.id)])


@router.post(
    "/conflicts/{conflict_id}/resolve", operation="sync_resolve", may="sync.review", response=ConflictView,
    errors=(ConflictNotFound, ConflictClosed, ChoiceIncomplete, DocumentInvalid, WriteForbidden),
)  # fmt: skip
async def resolve(call: Call, conflict_id: UUID, command: ResolveConflict) -> Response:
    """Settle a conflict that waits for a person; it is settled once."""
    return await call.write(lambda uow: conflicts.resolve_conflict(uow, conflict_id, command=command))


@router.get("/collections", operation="sync_collections", may="sync.pull", response=list[CollectionView])
async def list_collections(call: Call) -> Response:
    """List the collections, who wins in each, and what may be chosen."""

    async def work(uow: UnitOfWork) -> list[CollectionView]:
        return await standing.list_collections(uow)

    return await call.read(work)


@router.post(
    "/collections/{collection}/strategy", operation="sync_choose_strategy", may="business.configure",
    response=CollectionView, errors=(CollectionUnknown, CollectionReadOnly, StrategyNotAllowed),
)  # fmt: skip
async def choose_strategy(call: Call, collection: str, command: ChooseStrategy) -> Response:
    """Choose who wins where a device and the server both changed a document of a collection."""
    return await call.write(lambda uow: standing.choose_strategy(uow, collection, command.strategy))
