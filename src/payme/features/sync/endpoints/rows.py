"""Rows over HTTP: pages of what changed, pushes of what a device changed, and a stream that says where to look."""

import json
from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from starlette.types import Send

from payme.features.identity import DeviceNeeded
from payme.features.sync.endpoints.commands import TooManyCommands
from payme.features.sync.endpoints.commands import push_rows as push_commands
from payme.features.sync.endpoints.wire import answer, branch_of, sender_of
from payme.features.sync.errors import (
    CollectionReadOnly,
    CollectionUnknown,
    NotThisDevice,
    ProtocolUnknown,
    ResyncRequired,
    TooManyOperations,
)
from payme.features.sync.schemas.rows import LARGEST_PAGE, Document, PulledPage, Push
from payme.features.sync.services.execute import COLLECTION
from payme.features.sync.services.pressure import Overloaded
from payme.features.sync.services.pull_rows import Pulled, pull_rows
from payme.features.sync.services.push_rows import push_rows
from payme.features.sync.services.registry import find_collection
from payme.features.sync.services.standing import find_latest
from payme.kit.synced import FIRST, Place
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, LiveStream, Response, Router, send_text

router = Router(prefix="/v1/businesses/{business_id}/sync", tag="sync")
_LARGEST_EPOCH: Final = (1 << 31) - 1
_LARGEST_SEQUENCE: Final = (1 << 63) - 1
Epoch = Annotated[
    int | None, Query(ge=1, le=_LARGEST_EPOCH, description="Of the checkpoint; without one a first pull begins")
]
Sequence = Annotated[int, Query(ge=0, le=_LARGEST_SEQUENCE)]


@router.get(
    "/{collection}/pull", operation="sync_pull", may="sync.pull", response=PulledPage,
    errors=(CollectionUnknown, ResyncRequired, ProtocolUnknown),
)  # fmt: skip
async def pull(
    call: Call,
    collection: str,
    *,
    epoch: Epoch = None,
    seq: Sequence = 0,
    id: UUID = FIRST,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 100,
) -> Response:
    """Read what changed in a collection after a checkpoint, in the order of the changes.

    A page holds exactly `limit` documents unless it is the last one. What is gone, or has left the caller's sight, comes as
    `_deleted`.
    """
    sender, wanted = sender_of(call), find_collection(collection)

    async def work(uow: UnitOfWork) -> Pulled:
        place = Place(seq, id, await branch_of(uow, sender.device_id), limit)
        return await pull_rows(uow, wanted, place, epoch=epoch, exchange=sender.exchange("pull", collection))

    pulled = await call.database.run(work, business_id=call.business_id, actor=call.actor)
    return answer(call, pulled.body, epoch=pulled.epoch)


@router.post(
    "/{collection}/push", operation="sync_push", may="sync.push", response=list[Document],
    errors=(
        CollectionUnknown, CollectionReadOnly, TooManyOperations, ProtocolUnknown, DeviceNeeded, NotThisDevice,
        TooManyCommands, Overloaded,
    ),
)  # fmt: skip
async def push(
    call: Call,
    collection: str,
    rows: Push,
) -> Response:
    """Send changed documents; the answer holds the server's document for each that was not taken as sent, none if all were.

    A row that is refused, or clashes with another change, is kept as a conflict and undoes nothing of the others. The same push
    may be repeated.
    """
    if collection == COLLECTION:
        return await push_commands(call, [each.new.model_dump(mode="json", by_alias=True) for each in rows.root])
    sender = sender_of(call)
    documents, epoch = await push_rows(sender, find_collection(collection), rows.root)
    return answer(call, f"[{','.join(documents)}]", epoch=epoch)


@router.get("/stream", operation="sync_stream", may="sync.pull", produces=("text/event-stream",))
async def stream(call: Call) -> Response:
    """Stream the name and newest number of each collection when it changes; the documents travel by pull alone.

    The first events say where every collection stands now.
    """
    return ChangeStream(call)


class ChangeStream(LiveStream):
    """Which collections changed, never what."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._told: Mapping[str, int] = {}

    async def send_new(self, send: Send) -> None:
        """Name each collection that has moved on."""
        call = self.call
        latest = await call.database.run(find_latest, business_id=call.business_id, actor=call.actor, read_only=True)
        moved = {name: sequence for name, sequence in latest.items() if self._told.get(name) != sequence}
        self._told = latest
        if moved:
            frames = (json.dumps({"collection": name, "seq": sequence}) for name, sequence in moved.items())
            await send_text(send, "".join(f"event: change\ndata: {frame}\n\n" for frame in frames))
