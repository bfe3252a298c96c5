"""Commands over HTTP: pushed in batches with a verdict for each, looked at by a person, compared after a restore."""

import time
from dataclasses import replace
from typing import Any
from uuid import UUID

from payme.features.identity import DeviceNeeded
from payme.features.sync.endpoints.devices import device_of
from payme.features.sync.endpoints.wire import answer, queue_of, sender_of
from payme.features.sync.enums import CommandStatus
from payme.features.sync.errors import AppliedAlready, CommandNotFound, NothingToSettle, NotThisDevice, ProtocolUnknown
from payme.features.sync.repository.standing import Exchange
from payme.features.sync.rules.verdicts import measure_skew
from payme.features.sync.schemas.commands import (
    LARGEST_BATCH,
    CommandResults,
    CommandView,
    PushCommands,
    Reconcile,
    Reconciled,
    Settle,
)
from payme.features.sync.services import review
from payme.features.sync.services.execute import COLLECTION
from payme.features.sync.services.inbox import Batch, take_in
from payme.features.sync.services.inbox_rows import take_rows
from payme.features.sync.services.pressure import Overloaded, Pressure
from payme.features.sync.services.senders import Sender
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Paging, Response, Router
from payme.runtime.http.errors import BodyTooLarge

router = Router(prefix="/v1/businesses/{business_id}/sync", tag="sync")
_REVIEW = "sync.review"


class TooManyCommands(BodyTooLarge):
    """A batch holds 200 commands at most; send the rest in another."""

    code = "sync.too_many_commands"


@router.post(
    "/commands", operation="sync_push_commands", may="sync.push", response=CommandResults,
    errors=(DeviceNeeded, NotThisDevice, TooManyCommands, Overloaded, ProtocolUnknown),
)  # fmt: skip
async def push(call: Call, command: PushCommands) -> Response:
    """Send commands; each is executed once and answered with its verdict, whatever becomes of the others.

    Commands of another device, such as a revoked one's export, are handed in by somebody who reviews.
    """
    if len(command.commands) > LARGEST_BATCH:
        raise TooManyCommands(most=LARGEST_BATCH)
    sender = sender_of(call)
    batch = batch_of(call)
    if command.pending is not None:
        batch = replace(batch, pending=command.pending, oldest_pending_at=command.oldest_pending_at)
    begun = time.monotonic()
    async with call.database.wiring.tools[Pressure].enter(call.business_id):
        results = await take_in(batch, command.commands)
    epoch = await sender.record(exchange_of(sender, results, seconds=time.monotonic() - begun))
    return answer(call, CommandResults(results=results).model_dump_json(), epoch=epoch)


async def push_rows(call: Call, documents: list[dict[str, Any]]) -> Response:
    """Take commands as rows of the collection `commands`; the answer holds those that were not taken as sent.

    Raises: DeviceNeeded, TooManyCommands, Overloaded.
    """
    if len(documents) > LARGEST_BATCH:
        raise TooManyCommands(most=LARGEST_BATCH)
    sender, batch, begun = sender_of(call), batch_of(call), time.monotonic()
    async with call.database.wiring.tools[Pressure].enter(call.business_id):
        results, standing = await take_rows(batch, documents)
    epoch = await sender.record(exchange_of(sender, results, seconds=time.monotonic() - begun))
    return answer(call, f"[{','.join(standing)}]", epoch=epoch)


def exchange_of(sender: Sender, results: list[CommandView], *, seconds: Any) -> Exchange:
    """Return the audit row of a batch."""
    fresh = [each.status for each in results if not each.is_repeated]
    return replace(
        sender.exchange("commands", COLLECTION),
        rows=len(results),
        applied=sum(each in {CommandStatus.APPLIED, CommandStatus.NEEDS_REVIEW} for each in fresh),
        rejected=fresh.count(CommandStatus.REJECTED),
        duplicates=len(results) - len(fresh),
        duration_ms=int(seconds * 1_000),
    )


@router.get("/reviews", operation="sync_list_reviews", may=_REVIEW, response=Page[CommandView])
async def list_reviews(call: Call, query: Paging) -> Response:
    """List what tills did that a person should look at, the oldest first."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[CommandView]:
        return await review.list_to_review(uow, after=UUID(after[0]) if after else None, limit=limit)

    return await call.read_page(query, work, key=lambda row: [row.id])


@router.get(
    "/reviews/{command_id}", operation="sync_get_review", may=_REVIEW, response=CommandView, errors=(CommandNotFound,)
)
async def read(call: Call, command_id: UUID) -> Response:
    """Read a command with its verdict."""
    return await call.read(lambda uow: review.get_command(uow, command_id))


@router.post(
    "/reviews/{command_id}/settle", operation="sync_settle_review", may=_REVIEW, response=CommandView,
    errors=(CommandNotFound, NothingToSettle, AppliedAlready),
)  # fmt: skip
async def settle(call: Call, command_id: UUID, command: Settle) -> Response:
    """Say that what was odd about a command was looked at, or have a fact that could not be applied tried again."""
    return await call.write(lambda uow: review.settle(uow, command_id, command))


@router.post("/reconcile", operation="sync_reconcile", may="sync.push", response=Reconciled, errors=(DeviceNeeded,))
async def reconcile(call: Call, command: Reconcile) -> Response:
    """Compare what this device keeps as acknowledged with what is here; what is missing is to be sent again."""
    device_id = device_of(call)
    return await call.write(lambda uow: review.reconcile(uow, device_id, command))


def batch_of(call: Call) -> Batch:
    """Return who sends. Raises: DeviceNeeded, NotThisDevice."""
    device_id = call.signed_in_as.device_id
    if device_id is None and not call.actor.may(_REVIEW):
        raise DeviceNeeded
    named = call.request.headers.get("x-device-id", "")
    if device_id is not None and named not in {"", str(device_id)}:
        raise NotThisDevice
    told = call.request.headers.get("x-client-time", "")
    skew = measure_skew(
        int(told) if told.isascii() and told.isdigit() and len(told) <= 15 else None, call.database.clock.now()
    )
    version = call.request.headers.get("x-app-version", "")[:40]
    pending, oldest_pending_at = queue_of(call)
    return Batch(
        call.database,
        call.business_id,
        call.actor,
        device_id,
        skew=skew,
        address=call.client_address,
        app_version=version,
        pending=pending,
        oldest_pending_at=oldest_pending_at,
    )
