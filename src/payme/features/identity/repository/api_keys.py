"""API keys. The key is 160 random bits, so a plain hash of it is as good as a slow one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payme.features.identity.repository.sessions import tell
from payme.features.identity.schemas import ApiKeyView
from payme.runtime.database import UnitOfWork

_LARGEST_ID = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """What a live key opens."""

    id: UUID
    name: str
    scopes: list[str]


async def insert_api_key(uow: UnitOfWork, key: ApiKeyView, *, key_hash: bytes) -> None:
    """Add a key."""
    await uow.execute(
        """-- identity.insert_api_key
        insert into api_keys (business_id, id, name, key_hash, hint, mode, scopes, created_by, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        uow.tenant,
        key.id,
        key.name,
        key_hash,
        key.hint,
        key.mode,
        key.scopes,
        key.created_by,
        key.created_at,
    )


async def use_api_key(uow: UnitOfWork, key_hash: bytes, *, now: datetime) -> KeyRow | None:
    """Return what a live key opens, and note that it was used."""
    row = await uow.fetchrow(
        """-- identity.use_api_key
        update api_keys set last_used_at = $3 where business_id = $1 and key_hash = $2 and revoked_at is null
        returning id, name, scopes
        """,
        uow.tenant,
        key_hash,
        now,
    )
    return KeyRow(**dict(row)) if row else None


async def find_maker(uow: UnitOfWork, key_id: UUID) -> UUID | None:
    """Return the person at the beginning of a key, which another key may have made; None where there is no such key."""
    return await uow.fetchval(
        """-- identity.find_maker
        with recursive line as (
          select created_by, 1 as step from api_keys where business_id = $1 and id = $2
          union all
          select k.created_by, step + 1 from line join api_keys k on k.business_id = $1 and k.id = line.created_by)
        select created_by from line order by step desc limit 1
        """,
        uow.tenant,
        key_id,
    )


async def revoke_api_key(uow: UnitOfWork, key_id: UUID, *, now: datetime) -> bool:
    """End a key and tell every process; False where there is none that lives."""
    count = await uow.execute(
        """-- identity.revoke_api_key
        update api_keys set revoked_at = $3 where business_id = $1 and id = $2 and revoked_at is null
        """,
        uow.tenant,
        key_id,
        now,
    )
    if count:
        await tell(uow, f"key:{uow.tenant}:{key_id}")
    return bool(count)


async def revoke_keys_beyond(uow: UnitOfWork, maker_id: UUID, *, permissions: list[str], now: datetime) -> list[UUID]:
    """End the keys of a maker, and those that keys of his made, whose scopes are not all among these; return and tell of them."""
    rows = await uow.fetch(
        """-- identity.revoke_keys_beyond
        with recursive made as (
          select id from api_keys where business_id = $1 and created_by = $2
          union
          select k.id from api_keys k join made on k.created_by = made.id where k.business_id = $1
        )
        update api_keys k set revoked_at = $4 from made
        where k.business_id = $1 and k.id = made.id and k.revoked_at is null and not k.scopes <@ $3::text[]
        returning k.id
        """,
        uow.tenant,
        maker_id,
        permissions,
        now,
    )
    for row in rows:
        await tell(uow, f"key:{uow.tenant}:{row['id']}")
    return [row["id"] for row in rows]


async def list_api_keys(uow: UnitOfWork, *, before: UUID | None, limit: int) -> list[ApiKeyView]:
    """Return keys, the newest first, revoked ones included."""
    rows = await uow.fetch(
        """-- identity.list_api_keys
        select id, name, hint, mode, scopes, created_by, created_at, last_used_at, revoked_at from api_keys
        where business_id = $1 and id < $2
        order by id desc
        limit $3
        """,
        uow.tenant,
        before or _LARGEST_ID,
        limit,
    )
    return [ApiKeyView.model_validate(dict(row)) for row in rows]
