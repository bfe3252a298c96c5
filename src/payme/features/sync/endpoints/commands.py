"""Commands over HTTP: pushed in batches with a verdict for each, looked at by a person, compared after a restore."""

from typing import Any
from uuid import UUID

from payme.features.identity import DeviceNeeded
from payme.features.sync.endpoints.devices import device_of
from payme.features.sync.errors import CommandNotFound, NothingToSettle, NotThisDevice
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
from payme.features.sync.services.inbox import Batch, take_in
from payme.features.sync.services.pressure import Overloaded, Pressure
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
    errors=(DeviceNeeded, NotThisDevice, TooManyCommands, Overloaded),
)  # fmt: skip
async def push(call: Call, command: PushCommands) -> Response:
    """Send commands; each is executed once and answered with its verdict, whatever becomes of the others.

    Commands of another device, such as a revoked one's export, are handed in by somebody who reviews.
    """
    if len(command.commands) > LARGEST_BATCH:
        raise TooManyCommands(most=LARGEST_BATCH)
    batch = _batch_of(call)
    async with call.database.wiring.tools[Pressure].enter(call.business_id):
        results = await take_in(batch, command.commands)
    return call.answer(CommandResults(results=results))


@router.get("/reviews", operation="sync_list_reviews", may=_REVIEW, response=Page[CommandView])
async def list_reviews(call: Call, query: Paging) -> Response:
    """List what tills did that a person should look at, the oldest first."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[CommandView]:
        return await review.list_to_review(uow, after=UUID(after[0]) if after else None, limit=limit)

    return await call.read_page(query, work, key=lambda row: [row.id])


@router.get(
    "/commands/{command_id}", operation="sync_get_command", may=_REVIEW, response=CommandView, errors=(CommandNotFound,)
)
async def read(call: Call, command_id: UUID) -> Response:
    """Read a command with its verdict."""
    return await call.read(lambda uow: review.get_command(uow, command_id))


@router.post(
    "/commands/{command_id}/settle", operation="sync_settle_command", may=_REVIEW, response=CommandView,
    errors=(CommandNotFound, NothingToSettle),
)  # fmt: skip
async def settle(call: Call, command_id: UUID, command: Settle) -> Response:
    """Say that what was odd about a command was looked at."""
    return await call.write(lambda uow: review.settle(uow, command_id, command))


@router.post("/reconcile", operation="sync_reconcile", may="sync.push", response=Reconciled, errors=(DeviceNeeded,))
async def reconcile(call: Call, command: Reconcile) -> Response:
    """Compare what this device keeps as acknowledged with what is here; what is missing is to be sent again."""
    device_id = device_of(call)
    return await call.write(lambda uow: review.reconcile(uow, device_id, command))


def _batch_of(call: Call) -> Batch:
    """Return who sends. Raises: DeviceNeeded."""
    device_id = call.signed_in_as.device_id
    if device_id is None and not call.actor.may(_REVIEW):
        raise DeviceNeeded
    told = call.request.headers.get("x-client-time", "")
    skew = measure_skew(
        int(told) if told.isascii() and told.isdigit() and len(told) <= 15 else None, call.database.clock.now()
    )
    version = call.request.headers.get("x-app-version", "")[:40]
    return Batch(
        call.database,
        call.business_id,
        call.actor,
        device_id,
        skew=skew,
        address=call.client_address,
        app_version=version,
    )
