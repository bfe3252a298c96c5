"""What a person should look at, what a device stands at, and whether it and the server hold the same."""

from uuid import UUID

from payme.features import audit, identity
from payme.features.sync.errors import CommandNotFound, NothingToSettle
from payme.features.sync.repository import commands, devices
from payme.features.sync.rules.verdicts import hash_of_range
from payme.features.sync.schemas.commands import Command, CommandView, Reconcile, Reconciled, Settle
from payme.features.sync.services.execute import COLLECTION, PIN_WAS_WRONG, Delivery, try_again
from payme.runtime.database import UnitOfWork


async def get_command(uow: UnitOfWork, command_id: UUID) -> CommandView:
    """Return a command with its verdict. Raises: CommandNotFound."""
    found = await commands.find_command(uow, command_id)
    if found is None:
        raise CommandNotFound
    return found


async def list_to_review(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[CommandView]:
    """Return the commands that a person should look at."""
    return await commands.list_to_review(uow, after=after, limit=limit)


async def settle(uow: UnitOfWork, command_id: UUID, command: Settle) -> CommandView:
    """Note that what was odd about a command was looked at, or have what could not be applied tried again.

    Raises: CommandNotFound, NothingToSettle, AppliedAlready.
    """
    found = await get_command(uow, command_id)
    if command.try_again:
        return await _again(uow, found, note=command.note)
    if not await commands.settle(uow, command_id, command.note):
        raise NothingToSettle(status=found.status)
    audit.record(uow, "sync.command_settled", command_id, note=command.note, reasons=found.reasons)
    uow.touch(COLLECTION, command_id)
    return await get_command(uow, command_id)


async def _again(uow: UnitOfWork, found: CommandView, *, note: str) -> CommandView:
    row = await commands.find_body(uow, found.id)
    assert row is not None, "it was found"
    body = Command.model_validate({name: row[name] for name in Command.model_fields})
    proven = identity.proven_at_device(uow.tenant, body.approved_by) if body.approved_by else None
    # What the PIN of whoever agreed was, nobody keeps: that it was wrong stays.
    odd = tuple(each for each in found.reasons if each == PIN_WAS_WRONG)
    delivery = Delivery(
        body, row["corrected_at"], row["body_hash"], proven=proven, odd=odd, handed_in_by=row["handed_in_by"],
        received_at=row["received_at"],
    )  # fmt: skip
    audit.record(uow, "sync.command_tried_again", found.id, note=note, reasons=found.reasons)
    return await try_again(uow, delivery)


async def reconcile(uow: UnitOfWork, device_id: UUID, command: Reconcile) -> Reconciled:
    """Return which of a device's acknowledged commands are not here, so that it sends them again; their ids make that safe."""
    first, last = command.device_sequence_from, command.device_sequence_to
    held = await commands.list_range(uow, device_id, first=first, last=last)
    epoch = await devices.find_epoch(uow)
    if command.hash and command.hash == hash_of_range(held):
        return Reconciled(matches=True, missing_sequences=[], missing=[], epoch=epoch)
    known = dict(held)
    wanted = command.commands or dict.fromkeys(range(first, min(last, first + _MOST_NUMBERS - 1) + 1))
    lacking = [
        number for number, each in sorted(wanted.items()) if number not in known or (each and known[number] != each)
    ]
    named = [command.commands[number] for number in lacking if number in command.commands]
    return Reconciled(matches=not lacking and not command.hash, missing_sequences=lacking, missing=named, epoch=epoch)


_MOST_NUMBERS = 100_000
