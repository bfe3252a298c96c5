"""Devices, the codes that register them, and wrong PINs at them. A credential is random, so a plain hash of it is enough.

Invariant: of two credentials of a device the older one ends in the moment the newer one is first used.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from payme.features.identity.repository.sessions import tell
from payme.features.identity.schemas import DeviceRow, StaffAtDevice
from payme.runtime.database import UnitOfWork

_UNSEEN: Final = timedelta(days=90)
_LOWEST_ID: Final = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceKey:
    """What a credential opens: a device, revoked or not."""

    id: UUID
    name: str
    is_revoked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """A code that is good for one device."""

    id: UUID
    name: str
    branch_id: UUID | None
    made_by: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A device to be written."""

    id: UUID
    name: str
    till_id: UUID
    branch_id: UUID
    registered_by: UUID


async def insert_code(uow: UnitOfWork, code: DeviceCode, *, code_hash: bytes, expires_at: datetime) -> None:
    """Add a code."""
    await uow.execute(
        """-- identity.insert_device_code
        insert into device_codes (business_id, id, code_hash, name, branch_id, made_by, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        uow.tenant, code.id, code_hash, code.name, code.branch_id, code.made_by, uow.now, expires_at,
    )  # fmt: skip


async def use_code(uow: UnitOfWork, code_hash: bytes) -> DeviceCode | None:
    """Spend a code that is still good; of two who use it at once one gets it."""
    row = await uow.fetchrow(
        """-- identity.use_device_code
        update device_codes set used_at = $3
        where business_id = $1 and code_hash = $2 and used_at is null and expires_at > $3
        returning id, name, branch_id, made_by
        """,
        uow.tenant,
        code_hash,
        uow.now,
    )
    return DeviceCode(**dict(row)) if row else None


async def insert_device(uow: UnitOfWork, device: NewDevice, *, credential_hash: bytes) -> None:
    """Add a device."""
    await uow.execute(
        """-- identity.insert_device
        insert into devices (business_id, id, name, till_id, branch_id, credential_hash, registered_by, registered_at, last_seen_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
        """,
        uow.tenant, device.id, device.name, device.till_id, device.branch_id, credential_hash, device.registered_by, uow.now,
    )  # fmt: skip


async def use_credential(uow: UnitOfWork, digest: bytes) -> DeviceKey | None:
    """Return what a credential opens and note that the device was seen; a new credential ends the one before it.

    None where it is unknown, or the device was not seen for 90 days.
    """
    row = await uow.fetchrow(
        """-- identity.use_credential
        update devices d set last_seen_at = greatest(d.last_seen_at, $3::timestamptz),
          credential_hash = $2, next_hash = case when d.next_hash = $2 then null else d.next_hash end
        from (select id, next_hash is not distinct from $2 as is_new from devices
          where business_id = $1 and (credential_hash = $2 or next_hash = $2) and last_seen_at > $3::timestamptz - $4::interval for no key update) b
        where d.business_id = $1 and d.id = b.id
        returning d.id, d.name, d.revoked_at is not null as is_revoked, b.is_new
        """,
        uow.tenant,
        digest,
        uow.now,
        _UNSEEN,
    )
    if row is None:
        return None
    if row["is_new"]:
        await tell_of_device(uow, row["id"])
    return DeviceKey(id=row["id"], name=row["name"], is_revoked=row["is_revoked"])


async def offer_credential(uow: UnitOfWork, device_id: UUID, *, next_hash: bytes) -> bool:
    """Store the hash of a new credential beside the old one; False for a device that is none or revoked."""
    count = await uow.execute(
        """-- identity.offer_credential
        update devices set next_hash = $3 where business_id = $1 and id = $2 and revoked_at is null
        """,
        uow.tenant,
        device_id,
        next_hash,
    )
    return bool(count)


async def find_device(uow: UnitOfWork, device_id: UUID) -> DeviceRow | None:
    """Return a device, revoked or not."""
    row = await uow.fetchrow(
        """-- identity.find_device
        select id, name, till_id, branch_id, registered_by, registered_at, last_seen_at, revoked_at, rev from devices
        where business_id = $1 and id = $2
        """,
        uow.tenant,
        device_id,
    )
    return DeviceRow.model_validate(dict(row)) if row else None


async def lock_device_rev(uow: UnitOfWork, device_id: UUID) -> int | None:
    """Hold a device and return its revision."""
    return await uow.fetchval(
        """-- identity.lock_device_rev
        select rev from devices where business_id = $1 and id = $2 for no key update
        """,
        uow.tenant,
        device_id,
    )


async def list_devices(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[DeviceRow]:
    """Return devices in the order of their ids, revoked ones included."""
    rows = await uow.fetch(
        """-- identity.list_devices
        select id, name, till_id, branch_id, registered_by, registered_at, last_seen_at, revoked_at, rev from devices
        where business_id = $1 and id > $2 order by id limit $3
        """,
        uow.tenant,
        after or _LOWEST_ID,
        limit,
    )
    return [DeviceRow.model_validate(dict(row)) for row in rows]


async def rename_device(uow: UnitOfWork, device_id: UUID, name: str) -> None:
    """Store a device's name."""
    await uow.execute(
        """-- identity.rename_device
        update devices set name = $3, rev = rev + 1 where business_id = $1 and id = $2
        """,
        uow.tenant,
        device_id,
        name,
    )
    await tell_of_device(uow, device_id)


async def revoke_device(uow: UnitOfWork, device_id: UUID) -> bool:
    """End a device's credentials and tell every process; False where there is none that lives."""
    count = await uow.execute(
        """-- identity.revoke_device
        update devices set revoked_at = $3, revoked_by = $4, rev = rev + 1
        where business_id = $1 and id = $2 and revoked_at is null
        """,
        uow.tenant,
        device_id,
        uow.now,
        uow.actor.id,
    )
    if count:
        await tell_of_device(uow, device_id)
        await _end_sessions(uow, device_id)
    return bool(count)


async def count_try(uow: UnitOfWork, device_id: UUID, user_id: UUID, *, most: int, count: int = 1) -> bool:
    """Count tries of a PIN before they are looked at; False, and nothing counted, where the person has used up `most`."""
    row = await uow.fetchrow(
        """-- identity.count_pin_try
        insert into device_pin_tries as kept (business_id, device_id, user_id, wrong, tried_at) values ($1, $2, $3, $5, $6)
        on conflict (business_id, device_id, user_id) do update set wrong = kept.wrong + $5, tried_at = $6 where kept.wrong < $4
        returning wrong
        """,
        uow.tenant, device_id, user_id, most, count, uow.now,
    )  # fmt: skip
    return row is not None


async def forget_tries(uow: UnitOfWork, device_id: UUID, user_id: UUID) -> None:
    """Set a person's wrong tries at a device back."""
    await uow.execute(
        """-- identity.forget_pin_tries
        update device_pin_tries set wrong = 0, tried_at = $4 where business_id = $1 and device_id = $2 and user_id = $3
        """,
        uow.tenant,
        device_id,
        user_id,
        uow.now,
    )


async def list_staff(uow: UnitOfWork, device_id: UUID) -> list[StaffAtDevice]:
    """Return the active members who have a PIN, each with its verifier and wrong tries at a device, in the order of their ids."""
    rows = await uow.fetch(
        """-- identity.list_staff
        select m.user_id, m.display_name, m.roles, m.pin_hash as pin_verifier, coalesce(t.wrong, 0) as wrong_tries, m.rev
        from members m
        left join device_pin_tries t on t.business_id = m.business_id and t.device_id = $2 and t.user_id = m.user_id
        where m.business_id = $1 and m.status = 'active' and m.pin_hash is not null order by m.user_id
        """,
        uow.tenant,
        device_id,
    )
    return [StaffAtDevice.model_validate(dict(row)) for row in rows]


async def tell_of_device(uow: UnitOfWork, device_id: UUID) -> None:
    """Have every process forget a device in the moment this transaction commits."""
    await tell(uow, f"device:{uow.tenant}:{device_id}")


async def _end_sessions(uow: UnitOfWork, device_id: UUID) -> None:
    rows = await uow.fetch(
        """-- identity.end_sessions_of_device
        update sessions set revoked_at = $2, revoked_reason = 'ended' where device_id = $1 and revoked_at is null returning id
        """,
        device_id,
        uow.now,
    )
    for row in rows:
        await tell(uow, f"session:{row['id']}")
