"""How far each device has come: the highest and the contiguous sequence number, its queue, its clock."""

from uuid import UUID

from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class DeviceState:
    """Where a device stands, with the last receipt number under its prefix and the business's epoch."""

    highest_sequence: int
    last_receipt: int
    epoch: int


async def insert_state(uow: UnitOfWork, device_id: UUID) -> None:
    """Begin with a device that has sent nothing."""
    await uow.execute(
        """-- sync.insert_device_state
        insert into sync_devices (business_id, device_id) values ($1, $2)
        """,
        uow.tenant,
        device_id,
    )


async def find_state(uow: UnitOfWork, device_id: UUID, *, till_id: UUID) -> DeviceState:
    """Return where a device stands."""
    row = await uow.fetchrow(
        """-- sync.find_device_state
        select coalesce((select highest_sequence from sync_devices where business_id = $1 and device_id = $2), 0) as highest_sequence,
          businesses_last_receipt($1, $3) as last_receipt, (select epoch from sync_state($1)) as epoch
        """,
        uow.tenant,
        device_id,
        till_id,
    )
    assert row is not None, "a select without a condition has a row"
    return DeviceState(row["highest_sequence"], row["last_receipt"], row["epoch"])


async def find_epoch(uow: UnitOfWork) -> int:
    """Return the epoch of the business."""
    return await uow.fetchval(
        """-- sync.find_epoch
        select epoch from sync_state($1)""",
        uow.tenant,
    )
