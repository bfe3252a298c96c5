"""Signing in at a registered device by PIN: five wrong tries of a person at a device, then a manager has to free them.

Invariant: a try is counted, and its count committed, before the PIN is looked at, so that tries at once do not all slip through.
"""

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from payme.features.audit import record
from payme.features.identity.errors import DeviceNeeded, MemberNotFound, PinLocked, ProofWrong
from payme.features.identity.repository import devices, members, users
from payme.features.identity.schemas import LogInByPin, SignedIn, UserView
from payme.features.identity.services.people import Visitor
from payme.features.identity.services.sessions import AtDevice, open_session
from payme.features.identity.services.tools import identity_of
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.http.access import Principal

MOST_TRIES: Final = 5
SESSION_LIFE: Final = timedelta(hours=12)
_log = structlog.get_logger("payme.security")


def device_of(principal: Principal) -> AtDevice:
    """Return the device that calls. Raises: DeviceNeeded for everybody else."""
    if principal.kind != "device" or principal.business_id is None:
        raise DeviceNeeded
    return AtDevice(principal.id, principal.business_id, SESSION_LIFE)


async def log_in_by_pin(database: Database, command: LogInByPin, *, device: AtDevice, visitor: Visitor) -> SignedIn:
    """Open a session of a member at a device. Raises: MemberNotFound, PinLocked, ProofWrong."""
    stored = await database.run(
        lambda uow: _count(uow, command.staff_id, device_id=device.id), business_id=device.business_id
    )
    right = await asyncio.to_thread(identity_of(database).passwords.verify, command.pin.get_secret_value(), stored)
    if not right:
        _log.warning(
            "security.pin_wrong", device_id=str(device.id), user_id=str(command.staff_id), address=visitor.address
        )
        raise ProofWrong

    async def work(uow: UnitOfWork) -> SignedIn:
        user = await users.get_user(uow, command.staff_id)
        await devices.forget_tries(uow, device.id, user.id)
        record(uow, "device.signed_in", device.id, user_id=user.id)
        # A till is looked at by many; a phone number is for its owner's own devices.
        shown = UserView(id=user.id, name=user.name, created_at=user.created_at)
        return await open_session(uow, shown, version=user.session_version, label=visitor.label, at=device)

    return await database.run(work, business_id=device.business_id)


async def unlock_member(uow: UnitOfWork, device_id: UUID, user_id: UUID) -> None:
    """Let a member try PINs at a device again."""
    await devices.forget_tries(uow, device_id, user_id)
    record(uow, "device.member_unlocked", device_id, user_id=user_id)


async def record_wrong_pins(uow: UnitOfWork, device_id: UUID, user_id: UUID, *, tries: int) -> None:
    """Count wrong PINs that a device saw while it had no network. Raises: MemberNotFound."""
    if await members.find_member(uow, user_id) is None:
        raise MemberNotFound
    await devices.count_try(uow, device_id, user_id, most=MOST_TRIES, count=tries)
    record(uow, "device.wrong_pins", new_id(), device_id=device_id, user_id=user_id, tries=tries)


async def _count(uow: UnitOfWork, user_id: UUID, *, device_id: UUID) -> str | None:
    member = await members.find_member(uow, user_id)
    if member is None:
        raise MemberNotFound
    if not await devices.count_try(uow, device_id, user_id, most=MOST_TRIES):
        raise PinLocked
    return member.pin_hash
