"""Registering a device: the code is spent, a till of its own is set up, and the device gets its credential.

Invariant: a device has a till and a receipt prefix that no other till ever had, so that tills without a network never collide.
"""

from uuid import UUID

from payme.features import businesses, identity
from payme.features.identity import DeviceRow, NewDevice, StaffAtDevice, permissions_of
from payme.features.sync.repository import devices
from payme.features.sync.schemas.devices import (
    LIMITS,
    BusinessOfDevice,
    CredentialMade,
    DeviceRegistered,
    DeviceSetUp,
    RegisterDevice,
)
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork


async def register_device(database: Database, command: RegisterDevice) -> DeviceRegistered:
    """Make a device of whoever has a code. Raises: CodeRefused."""
    business_id = identity.business_of_code(command.code)
    return await database.run(lambda uow: _register(uow, command), business_id=business_id)


async def set_up(uow: UnitOfWork, device_id: UUID) -> DeviceSetUp:
    """Return what a device is and works with. Raises: DeviceNotFound."""
    device = await identity.get_device(uow, device_id)
    till = await businesses.get_till(uow, device.till_id)
    state = await devices.find_state(uow, device_id, till_id=device.till_id)
    return DeviceSetUp(
        device_id=device.id, name=device.name, till_id=till.id, branch_id=device.branch_id,
        receipt_prefix=till.receipt_prefix, last_receipt=state.last_receipt, last_sequence=state.highest_sequence,
        epoch=state.epoch, business=await _business(uow), limits=LIMITS,
    )  # fmt: skip


async def rotate_credential(uow: UnitOfWork, device_id: UUID) -> CredentialMade:
    """Return a new credential for a device. Raises: DeviceRevoked."""
    return CredentialMade(device_id=device_id, credential=await identity.rotate_credential(uow, device_id))


async def list_staff(uow: UnitOfWork, device_id: UUID) -> list[StaffAtDevice]:
    """Return who may sign in at a device, what they may do, and what verifies their PINs there."""
    return [
        each.model_copy(update={"permissions": sorted(permissions_of(each.roles))})
        for each in await identity.list_staff(uow, device_id)
    ]


async def unlock_member(uow: UnitOfWork, device_id: UUID, user_id: UUID) -> DeviceRow:
    """Let a member try PINs at a device again. Raises: DeviceNotFound, MemberNotFound."""
    device = await identity.get_device(uow, device_id)
    await identity.get_member(uow, user_id)
    await identity.unlock_member(uow, device_id, user_id)
    return device


async def _register(uow: UnitOfWork, command: RegisterDevice) -> DeviceRegistered:
    code = await identity.spend_code(uow, command.code)
    name = command.name or code.name
    till = await businesses.create_till(uow, businesses.CreateTill(name=name, branch_id=code.branch_id))
    device = NewDevice(id=new_id(), name=name, till_id=till.id, branch_id=till.branch_id, registered_by=code.made_by)
    credential = await identity.add_device(uow, device)
    await devices.insert_state(uow, device.id)
    known = await set_up(uow, device.id)
    return DeviceRegistered(**known.model_dump(), credential=credential)


async def _business(uow: UnitOfWork) -> BusinessOfDevice:
    business = await businesses.get_business(uow)
    return BusinessOfDevice.model_validate(business.model_dump())
