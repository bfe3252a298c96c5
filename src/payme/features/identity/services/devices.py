"""Devices: a code that somebody made becomes a credential, which rotates, and ends when the device is revoked.

The till that a device is belongs to businesses; whoever registers one makes both. Invariant: a code and a credential are shown
once, and only hashes of them are stored.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from payme.features.audit import record
from payme.features.identity.errors import CodeRefused, DeviceNotFound, DeviceRevoked
from payme.features.identity.repository import devices
from payme.features.identity.repository.devices import DeviceCode, NewDevice
from payme.features.identity.schemas import DeviceCodeMade, DeviceRow, MakeDeviceCode, StaffAtDevice
from payme.features.identity.services.secrets import business_of, new_business_secret
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from payme.runtime.security import hash_token

CREDENTIAL: Final = "dev_"
CODE_LIFE: Final = timedelta(minutes=15)
_CODE: Final = "reg_"
_COLLECTION: Final = "devices"


async def make_code(uow: UnitOfWork, command: MakeDeviceCode) -> DeviceCodeMade:
    """Make a code that registers one device within a quarter of an hour; it is in the answer and nowhere else."""
    secret = new_business_secret(_CODE, uow.tenant)
    code = DeviceCode(id=new_id(), name=command.name, branch_id=command.branch_id, made_by=uow.actor.id)
    expires_at = uow.now + CODE_LIFE
    await devices.insert_code(uow, code, code_hash=hash_token(secret), expires_at=expires_at)
    record(uow, "device.code_made", code.id, name=code.name)
    return DeviceCodeMade(id=code.id, code=secret, name=code.name, branch_id=code.branch_id, expires_at=expires_at)


def business_of_code(code: str) -> UUID:
    """Return the business that a code names. Raises: CodeRefused for what is none by its form."""
    business_id = business_of(code, _CODE)
    if business_id is None:
        raise CodeRefused
    return business_id


async def spend_code(uow: UnitOfWork, code: str) -> DeviceCode:
    """Spend a code. Raises: CodeRefused where it is unknown, used or too old."""
    found = await devices.use_code(uow, hash_token(code))
    if found is None:
        raise CodeRefused
    return found


async def add_device(uow: UnitOfWork, device: NewDevice) -> str:
    """Add a device and return its credential, which is stored nowhere."""
    credential = new_business_secret(CREDENTIAL, uow.tenant)
    await devices.insert_device(uow, device, credential_hash=hash_token(credential))
    record(uow, "device.registered", device.id, name=device.name, till_id=device.till_id, by=device.registered_by)
    uow.touch(_COLLECTION, device.id, branch_id=device.branch_id)
    return credential


async def rotate_credential(uow: UnitOfWork, device_id: UUID) -> str:
    """Return a new credential; the old one is good until this one is first used. Raises: DeviceRevoked."""
    credential = new_business_secret(CREDENTIAL, uow.tenant)
    if not await devices.offer_credential(uow, device_id, next_hash=hash_token(credential)):
        raise DeviceRevoked
    record(uow, "device.credential_rotated", device_id)
    return credential


async def get_device(uow: UnitOfWork, device_id: UUID) -> DeviceRow:
    """Return a device, revoked or not. Raises: DeviceNotFound."""
    found = await devices.find_device(uow, device_id)
    if found is None:
        raise DeviceNotFound
    return found


async def lock_device_rev(uow: UnitOfWork, device_id: UUID) -> int:
    """Hold a device and return its revision. Raises: DeviceNotFound."""
    rev = await devices.lock_device_rev(uow, device_id)
    if rev is None:
        raise DeviceNotFound
    return rev


async def list_devices(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[DeviceRow]:
    """Return devices in the order of their ids, revoked ones included."""
    return await devices.list_devices(uow, after=after, limit=limit)


async def rename_device(uow: UnitOfWork, device_id: UUID, name: str) -> DeviceRow:
    """Give a device another name. Raises: DeviceNotFound."""
    await devices.rename_device(uow, device_id, name)
    record(uow, "device.renamed", device_id, name=name)
    uow.touch(_COLLECTION, device_id)
    return await get_device(uow, device_id)


async def revoke_device(uow: UnitOfWork, device_id: UUID) -> None:
    """End a device and the sessions at it; every process knows within a second. Raises: DeviceNotFound."""
    if not await devices.revoke_device(uow, device_id):
        raise DeviceNotFound
    record(uow, "device.revoked", device_id)
    uow.touch(_COLLECTION, device_id)


async def list_staff(uow: UnitOfWork, device_id: UUID) -> list[StaffAtDevice]:
    """Return who may sign in at a device, with what verifies their PINs there when it has no network."""
    return await devices.list_staff(uow, device_id)
