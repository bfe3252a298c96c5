"""A batch of commands: each is tried in its own transaction and gets its own verdict; one that fails stops no other.

What waited for one of them is tried after them, until nothing more is ready.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

import structlog
from pydantic import ValidationError

from payme.features import identity
from payme.features.approvals import Approver
from payme.features.identity import Proven, TooManyFailures
from payme.features.sync.enums import CommandStatus
from payme.features.sync.errors import NotThisDevice
from payme.features.sync.repository import commands
from payme.features.sync.repository.commands import Contact
from payme.features.sync.rules.verdicts import fingerprint
from payme.features.sync.schemas.commands import Command, CommandError, CommandView
from payme.features.sync.services.execute import PIN_WAS_WRONG, Delivery, execute, malformed
from payme.kit.actor import Actor
from payme.kit.errors import DomainError
from payme.kit.ids import new_id
from payme.runtime.database import Database, DatabaseBusy, DatabaseUnavailable

_MOST_ROUNDS: Final = 20
_READY_AT_ONCE: Final = 200
_log = structlog.get_logger("payme.sync")


@dataclass(frozen=True, slots=True)
class Batch:
    """Who sends commands: a device, itself or through somebody signed in at it, or a person who hands in those of a device."""

    database: Database
    business_id: UUID
    actor: Actor
    device_id: UUID | None
    skew: timedelta = timedelta(0)
    address: str = ""
    app_version: str = ""
    pending: int | None = None
    oldest_pending_at: datetime | None = None

    @property
    def handed_in_by(self) -> UUID | None:
        """Who hands in what another device had kept."""
        return self.actor.id if self.device_id is None else None


async def take_in(batch: Batch, documents: list[dict[str, Any]]) -> list[CommandView]:
    """Try each command; return a verdict for each in their order, and then for what had waited for them.

    Raises: DatabaseBusy, DatabaseUnavailable; what was acknowledged before stays, and the same batch may be sent again.
    """
    views = [await _take_one(batch, document) for document in documents]
    if batch.device_id is not None:
        await _note_contact(batch, batch.device_id)
    return [*views, *await wake(batch)]


async def wake(batch: Batch) -> list[CommandView]:
    """Execute what waits for nothing any more, and what waited for that."""
    views: list[CommandView] = []
    for _ in range(_MOST_ROUNDS):
        ready = await batch.database.run(
            lambda uow: commands.list_ready(uow, limit=_READY_AT_ONCE), business_id=batch.business_id, read_only=True
        )
        if not ready:
            break
        views += [await _try(batch, _delivery_of(batch, each)) for each in ready]
        if any(each.status == CommandStatus.PENDING for each in views):
            break
    return views


async def _take_one(batch: Batch, document: dict[str, Any]) -> CommandView:
    try:
        command = Command.model_validate(document)
        if batch.device_id is not None and command.device_id != batch.device_id:
            raise NotThisDevice
    except ValidationError as error:
        return _unread(document, malformed(error))
    except NotThisDevice as refusal:
        return _unread(document, refusal)
    body_hash = fingerprint(command.model_dump(mode="json"))
    delivery = Delivery(command, command.occurred_at + batch.skew, body_hash, handed_in_by=batch.handed_in_by)
    return await _try(batch, await _with_proof(batch, delivery))


async def _try(batch: Batch, delivery: Delivery) -> CommandView:
    try:
        return await batch.database.run(
            lambda uow: execute(uow, delivery), business_id=batch.business_id, actor=batch.actor
        )
    except (DatabaseBusy, DatabaseUnavailable):
        raise
    except DomainError as refusal:
        return _unread({"id": str(delivery.command.id)}, refusal)
    # house: allow broad-except a command that breaks us must not hold up the others; it stays with its till and is sent again
    except Exception as error:
        _log.exception("sync.command_failed", name=delivery.command.name, error=type(error).__name__)
        return CommandView(id=delivery.command.id, name=delivery.command.name, status=CommandStatus.PENDING)


async def _with_proof(batch: Batch, delivery: Delivery) -> Delivery:
    """Return the delivery with who agreed: by a PIN that is looked at here, or by the word of the device."""
    command = delivery.command
    given = command.args.get("approver")
    odd: tuple[str, ...] = ()
    proven: Proven | None = None
    if given is not None:
        try:
            approver = Approver.model_validate(given)
            proven = await identity.prove_member(
                batch.database, approver.user_id, approver.pin, business_id=batch.business_id, address=batch.address
            )
        except (ValidationError, DomainError, TooManyFailures):
            odd = (PIN_WAS_WRONG,)
    elif command.approved_by is not None:
        proven = identity.proven_at_device(batch.business_id, command.approved_by)
    if odd and not command.handed_over:
        odd = ()
    return Delivery(
        command, delivery.corrected_at, delivery.body_hash, proven=proven, odd=odd, handed_in_by=delivery.handed_in_by
    )


def _delivery_of(batch: Batch, row: dict[str, Any]) -> Delivery:
    command = Command.model_validate({name: row[name] for name in Command.model_fields})
    proven = identity.proven_at_device(batch.business_id, command.approved_by) if command.approved_by else None
    return Delivery(command, row["corrected_at"], row["body_hash"], proven=proven, handed_in_by=row["handed_in_by"])


def _unread(document: dict[str, Any], refusal: DomainError) -> CommandView:
    """Return the verdict on what is no command of this device, which nothing keeps."""
    try:
        command_id = UUID(str(document.get("id")))
    except ValueError:
        command_id = new_id()
    error = CommandError(code=refusal.code, message=refusal.message, pointer=str(refusal.facts.get("pointer", "")))
    return CommandView(
        id=command_id,
        name=str(cast("object", document.get("name", "")))[:64],
        status=CommandStatus.REJECTED,
        error=error,
    )


async def _note_contact(batch: Batch, device_id: UUID) -> None:
    contact = Contact(
        batch.skew // timedelta(milliseconds=1), batch.app_version, batch.pending, batch.oldest_pending_at
    )
    await batch.database.run(
        lambda uow: commands.note_contact(uow, device_id, contact),
        business_id=batch.business_id,
        actor=batch.actor,
    )
