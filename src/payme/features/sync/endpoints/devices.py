"""Devices over HTTP: the office makes codes, lists, renames and revokes; the device registers and asks about itself."""

from typing import Any
from uuid import UUID

from payme.features import identity
from payme.features.businesses import BranchNotFound
from payme.features.identity import (
    CodeRefused,
    DeviceCodeMade,
    DeviceNeeded,
    DeviceNotFound,
    DeviceRow,
    MakeDeviceCode,
    MemberNotFound,
    StaffAtDevice,
)
from payme.features.sync.schemas.devices import (
    CredentialMade,
    DeviceRegistered,
    DeviceSetUp,
    DeviceView,
    RegisterDevice,
    RenameDevice,
    UnlockMember,
)
from payme.features.sync.services import devices
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Paging, Response, Router, public

router = Router(prefix="/v1/businesses/{business_id}/devices", tag="sync")
registering = Router(prefix="/v1/devices", tag="sync")


@registering.post(
    "/register", operation="devices_register", access=public, status=201, response=DeviceRegistered, budget="sign_in",
    errors=(CodeRefused,),
)  # fmt: skip
async def register(call: Call, command: RegisterDevice) -> Response:
    """Register this device with a code that an owner or manager has made; the answer holds its credential this once."""
    return call.answer(await devices.register_device(call.database, command), 201)


@router.post(
    "/codes", operation="devices_make_code", may="devices.manage", status=201, response=DeviceCodeMade,
    errors=(BranchNotFound,),
)  # fmt: skip
async def make_code(call: Call, command: MakeDeviceCode) -> Response:
    """Make a code that registers one device within a quarter of an hour."""
    return await call.write(lambda uow: identity.make_code(uow, command), status=201)


@router.get(operation="devices_list", may="devices.read", response=Page[DeviceView])
async def list_page(call: Call, query: Paging) -> Response:
    """List devices, revoked ones included."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[DeviceRow]:
        return await identity.list_devices(uow, after=UUID(after[0]) if after else None, limit=limit)

    return await call.read_page(query, work, key=lambda device: [device.id])


@router.get("/me", operation="devices_me", may="sync.pull", response=DeviceSetUp, errors=(DeviceNeeded, DeviceNotFound))
async def show_me(call: Call) -> Response:
    """Read what this device is and works with."""
    device_id = device_of(call)
    return await call.read(lambda uow: devices.set_up(uow, device_id))


@router.get(
    "/me/staff", operation="devices_staff", may="sync.pull", response=list[StaffAtDevice], errors=(DeviceNeeded,)
)
async def list_staff(call: Call) -> Response:
    """List who may sign in at this device, with what verifies their PINs when it has no network."""
    if call.signed_in_as.kind != "device":
        raise DeviceNeeded
    device_id = device_of(call)
    return await call.read(lambda uow: devices.list_staff(uow, device_id))


@router.post(
    "/me/credential",
    operation="devices_rotate",
    may="sync.push",
    status=201,
    response=CredentialMade,
    errors=(DeviceNeeded,),
)
async def rotate(call: Call) -> Response:
    """Get a new credential; the old one is good until this one is first used."""
    if call.signed_in_as.kind != "device":
        raise DeviceNeeded
    device_id = device_of(call)
    return await call.write(lambda uow: devices.rotate_credential(uow, device_id), status=201)


@router.get("/{device_id}", operation="devices_get", may="devices.read", response=DeviceView, errors=(DeviceNotFound,))
async def read(call: Call, device_id: UUID) -> Response:
    """Read one device."""
    return await call.read(lambda uow: identity.get_device(uow, device_id))


@router.patch(
    "/{device_id}", operation="devices_rename", may="devices.manage", response=DeviceView, errors=(DeviceNotFound,)
)
async def rename(call: Call, device_id: UUID, command: RenameDevice) -> Response:
    """Give a device another name."""
    return await call.update(
        lambda uow: identity.rename_device(uow, device_id, command.name),
        rev=lambda uow: identity.lock_device_rev(uow, device_id),
    )


@router.delete("/{device_id}", operation="devices_revoke", may="devices.manage", status=204, errors=(DeviceNotFound,))
async def revoke(call: Call, device_id: UUID) -> Response:
    """Revoke a device; it opens nothing within a second, and the sessions at it end."""
    return await call.write(lambda uow: identity.revoke_device(uow, device_id))


@router.post(
    "/{device_id}/unlock",
    operation="devices_unlock",
    may="devices.manage",
    response=DeviceView,
    errors=(DeviceNotFound, MemberNotFound),
)
async def unlock(call: Call, device_id: UUID, command: UnlockMember) -> Response:
    """Let somebody who has used up their tries sign in at a device again."""
    return await call.write(lambda uow: devices.unlock_member(uow, device_id, command.user_id))


def device_of(call: Call) -> UUID:
    """Return the device that calls, itself or through a session at it. Raises: DeviceNeeded."""
    device_id = call.signed_in_as.device_id
    if device_id is None:
        raise DeviceNeeded
    return device_id
