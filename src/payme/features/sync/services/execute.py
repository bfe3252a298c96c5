"""One command is one transaction: locked, recognised, executed under a savepoint, and kept with its verdict.

Invariant: an id is executed once and has one verdict, however often and from wherever it comes; a refusal of it undoes what it
did and nothing else.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from payme.features import audit
from payme.features.identity import DeviceNotFound, DeviceRevoked, Proven, permissions_of
from payme.features.sync.enums import CommandStatus
from payme.features.sync.errors import (
    AppliedAlready,
    CommandMalformed,
    CommandUnknown,
    NothingToSettle,
    NotPermitted,
    SequenceReused,
    StaffUnknown,
)
from payme.features.sync.repository import commands
from payme.features.sync.repository.commands import Admitted
from payme.features.sync.rules.verdicts import SCHEMA_VERSIONS, is_rejected, odd_about_time
from payme.features.sync.schemas.commands import Command, CommandView
from payme.features.sync.schemas.devices import LIMITS
from payme.features.sync.services.handlers import HANDLERS, Handler, Situation
from payme.kit.actor import Actor
from payme.kit.errors import DomainError, Invalid
from payme.runtime.database import UnitOfWork

COLLECTION = "commands"
PIN_WAS_WRONG: Final = "approver_not_proven"
_COSTS = "sales.read_cost"
_EMPTY: Final[dict[str, Any]] = {
    "reasons": [],
    "result": None,
    "error": None,
    "applied_at": None,
    "holds_sequence": True,
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A command as it came: corrected by the clock that it came with, hashed, with who agreed and who handed it in."""

    command: Command
    corrected_at: datetime
    body_hash: str
    proven: Proven | None = None
    odd: tuple[str, ...] = ()
    handed_in_by: UUID | None = None
    received_at: datetime | None = None
    """When it first came, where that was before this transaction."""


async def try_again(uow: UnitOfWork, delivery: Delivery) -> CommandView:
    """Execute a fact that could not be applied, under the lock of its device, so that it is applied once.

    Raises: NothingToSettle, AppliedAlready, and what makes no command of it.
    """
    admitted = await commands.admit(uow, delivery.command, corrected_at=delivery.corrected_at)
    found = await commands.find_command(uow, delivery.command.id)
    assert found is not None, "it was known a moment ago"
    if found.applied_at is not None:
        raise AppliedAlready(status=found.status)
    if found.status != CommandStatus.NEEDS_REVIEW or found.settled_at is not None:
        raise NothingToSettle(status=found.status)
    handler, args = _understand(delivery.command)
    return await _perform(uow, delivery, admitted, handler=handler, args=args)


async def execute(uow: UnitOfWork, delivery: Delivery) -> CommandView:
    """Execute a command, or return what became of it before. Raises: DeviceNotFound."""
    command = delivery.command
    admitted = await commands.admit(uow, command, corrected_at=delivery.corrected_at)
    if admitted.device is None:
        raise DeviceNotFound
    if admitted.known is not None and not _is_ready(admitted, delivery):
        return await _repeat(uow, admitted.known, delivery)
    if admitted.holder is not None:
        reused = SequenceReused(command_id=admitted.holder)
        return await _keep(
            uow, delivery, admitted, outcome=_refused(reused, CommandStatus.REJECTED, holds_sequence=False)
        )
    if admitted.unmet:
        return await _keep(uow, delivery, admitted, outcome={"status": CommandStatus.WAITING})
    try:
        handler, args = _understand(command)
    except DomainError as malformed:
        return await _keep(uow, delivery, admitted, outcome=_refused(malformed, CommandStatus.REJECTED))
    return await _perform(uow, delivery, admitted, handler=handler, args=args)


async def _perform(
    uow: UnitOfWork, delivery: Delivery, admitted: Admitted, *, handler: Handler, args: Any
) -> CommandView:
    command, device = delivery.command, admitted.device
    assert device is not None, "it was found"
    situation = Situation(
        command.id, command.device_id, UUID(device["till_id"]), delivery.corrected_at, command.handed_over,
        delivery.proven, command.shift_id, [*delivery.odd, *odd_about_time(command.occurred_at, delivery.corrected_at, delivery.received_at or uow.now)],
    )  # fmt: skip
    sender = uow.actor
    try:
        async with uow.savepoint():
            uow.actor = _doer(command, admitted, handler, situation=situation)
            view = await handler.run(uow, args, situation)
            done: dict[str, Any] = {
                "status": CommandStatus.APPLIED,
                "result": view.model_dump(mode="json"),
                "applied_at": uow.now,
            }
            if situation.odd:
                done |= {"status": CommandStatus.NEEDS_REVIEW, "reasons": situation.odd}
            return await _keep(uow, delivery, admitted, outcome=done)
    except DomainError as refusal:
        uow.actor = sender
        status = (
            CommandStatus.REJECTED
            if is_rejected(refusal.code, handed_over=command.handed_over)
            else CommandStatus.NEEDS_REVIEW
        )
        return await _keep(uow, delivery, admitted, outcome=_refused(refusal, status, odd=situation.odd))


def _doer(command: Command, admitted: Admitted, handler: Handler, *, situation: Situation) -> Actor:
    """Return who did it, judged by what they were at that moment. Raises: DeviceRevoked, StaffUnknown, NotPermitted."""
    device, staff = admitted.device or {}, admitted.staff
    if device["revoked_at"] is not None:
        _allow_fact(situation, DeviceRevoked(), "device_revoked")
    if staff is None or command.staff_id is None:
        _allow_fact(situation, StaffUnknown(), "staff_unknown")
        return Actor("device", command.device_id, device["name"], f"device:{command.device_id}")
    if not staff["was_active"]:
        _allow_fact(situation, StaffUnknown(), "staff_not_employed")
    elif not staff["is_active"]:
        _allow_fact(situation, StaffUnknown(), "staff_removed")
    held = permissions_of(staff["roles"])
    if handler.permission and handler.permission not in held:
        _allow_fact(situation, NotPermitted(permission=handler.permission), "not_permitted")
    # What a command returns is read by every till of the branch, so it is made without what goods cost.
    return Actor("user", command.staff_id, staff["name"], f"device:{command.device_id}", held - {_COSTS})


def _allow_fact(situation: Situation, refusal: DomainError, reason: str) -> None:
    if not situation.handed_over:
        raise refusal
    situation.odd.append(reason)


def _understand(command: Command) -> tuple[Handler, Any]:
    handler = HANDLERS.get(command.name)
    if handler is None or command.schema_version not in SCHEMA_VERSIONS:
        raise CommandUnknown(name=command.name, schema_version=command.schema_version)
    try:
        return handler, handler.args.model_validate(_without_pin(command.args))
    except ValidationError as error:
        raise malformed(error, "/args") from None


def malformed(error: ValidationError, place: str = "") -> CommandMalformed:
    """Return the refusal that names the first field of a command that makes no sense."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    pointer = "/".join([place, *(str(each) for each in first["loc"])])
    return CommandMalformed(str(first["msg"]), pointer=pointer if pointer.startswith("/") else f"/{pointer}")


def _without_pin(args: dict[str, Any]) -> dict[str, Any]:
    # The approver has been looked at ahead of the transaction, and a PIN is not stored.
    return {name: value for name, value in args.items() if name != "approver"}


def _is_ready(admitted: Admitted, delivery: Delivery) -> bool:
    known = admitted.known or {}
    same = known["body_hash"] == delivery.body_hash
    return bool(same and known["status"] == CommandStatus.WAITING and not admitted.unmet)


async def _repeat(uow: UnitOfWork, known: dict[str, Any], delivery: Delivery) -> CommandView:
    is_altered = known["body_hash"] != delivery.body_hash
    if is_altered:
        audit.record(uow, "sync.command_altered", delivery.command.id, device_id=delivery.command.device_id)
    found = await commands.find_command(uow, delivery.command.id)
    assert found is not None, "it was known a moment ago"
    return found.model_copy(update={"is_repeated": True, "is_altered": is_altered})


def _refused(
    refusal: DomainError, status: CommandStatus, *, odd: list[str] | None = None, holds_sequence: bool = True
) -> dict[str, Any]:
    pointer = str(refusal.facts.get("pointer", refusal.pointer)) if isinstance(refusal, Invalid) else ""
    error = {"code": refusal.code, "message": refusal.message, "pointer": pointer}
    reasons = [*(odd or ()), f"not_applied:{refusal.code}"] if status == CommandStatus.NEEDS_REVIEW else []
    return {"status": status, "reasons": reasons, "error": error, "holds_sequence": holds_sequence}


async def _keep(uow: UnitOfWork, delivery: Delivery, admitted: Admitted, *, outcome: dict[str, Any]) -> CommandView:
    """Keep a command with its verdict; the last thing that its transaction does."""
    command, device = delivery.command, admitted.device or {}
    kept: dict[str, Any] = {**_EMPTY, **outcome}
    document = command.model_dump(mode="json", exclude={"args"}) | kept | {
        "args": _without_pin(command.args), "corrected_at": delivery.corrected_at, "body_hash": delivery.body_hash,
        "received_at": delivery.received_at or uow.now, "handed_in_by": delivery.handed_in_by, "limits": LIMITS.model_dump(),
    }  # fmt: skip
    if kept["status"] != CommandStatus.APPLIED:
        audit.record(
            uow, f"sync.command_{kept['status']}", command.id, name=command.name, device_id=command.device_id,
            reasons=kept["reasons"], error=kept["error"] and kept["error"]["code"],
        )  # fmt: skip
    uow.touch(COLLECTION, command.id, branch_id=UUID(device["branch_id"]))
    expected = command.args.get("receipt_number") if kept["result"] is not None else None
    stored = await uow.flush(commands.storing(uow, document, receipt_number=expected))
    assert stored is not None, "a flush that is closed by a call returns what it returned"
    return CommandView(
        id=command.id, device_id=command.device_id, device_sequence=command.device_sequence, name=command.name,
        error=kept["error"], occurred_at=command.occurred_at, staff_id=command.staff_id, handed_over=command.handed_over,
        received_at=delivery.received_at or uow.now, applied_at=kept["applied_at"], server_seq=uow.change_sequence, **json.loads(stored),
    )  # fmt: skip


def corrected(delivery: Delivery, corrected_at: datetime) -> Delivery:
    """Return a delivery with the moment that was worked out when it first came."""
    return replace(delivery, corrected_at=corrected_at)
