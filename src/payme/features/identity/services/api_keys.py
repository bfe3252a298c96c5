"""API keys: what a program calls with. A key does what its scopes say, and nobody makes one that may more than themselves.

Invariant: a key ends with whoever made it, and with what they may no longer do.
"""

from collections.abc import Set as AbstractSet
from uuid import UUID

from payme.features.audit import record
from payme.features.identity.errors import ApiKeyNotFound, BeyondYourPower, ScopeUnknown
from payme.features.identity.repository import api_keys, members
from payme.features.identity.rules import PERMISSIONS
from payme.features.identity.schemas import ApiKeyMade, ApiKeyView, CreateApiKey
from payme.features.identity.services.secrets import new_business_secret
from payme.features.identity.services.tools import Identity
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from payme.runtime.security import hash_token

PREFIXES = ("pk_test_", "pk_live_")


async def create_api_key(uow: UnitOfWork, command: CreateApiKey) -> ApiKeyMade:
    """Make a key, which is in the answer and nowhere else. Raises: ScopeUnknown, BeyondYourPower."""
    scopes = frozenset(command.scopes)
    if not scopes <= PERMISSIONS:
        raise ScopeUnknown(scopes=sorted(scopes - PERMISSIONS))
    if not all(uow.actor.may(scope) for scope in scopes):
        raise BeyondYourPower
    if not await members.hold_maker(uow, uow.actor.id):
        raise BeyondYourPower
    mode = uow.tool(Identity).options.key_mode
    key = new_business_secret(f"pk_{mode}_", uow.tenant)
    made = ApiKeyMade(
        id=new_id(),
        name=command.name,
        hint=f"{key[:8]}…{key[-4:]}",
        mode=mode,
        scopes=sorted(scopes),
        created_by=uow.actor.id,
        created_at=uow.now,
        key=key,
    )
    await api_keys.insert_api_key(uow, made, key_hash=hash_token(key))
    record(uow, "api_key.created", made.id, name=made.name, scopes=made.scopes)
    return made


async def revoke_api_key(uow: UnitOfWork, key_id: UUID) -> None:
    """End a key, and the keys that were made with it; every process knows within a second. Raises: ApiKeyNotFound."""
    if not await api_keys.revoke_api_key(uow, key_id, now=uow.now):
        raise ApiKeyNotFound
    record(uow, "api_key.revoked", key_id)
    await end_keys_beyond(uow, key_id)


async def end_keys_beyond(uow: UnitOfWork, maker_id: UUID, *, permissions: AbstractSet[str] = frozenset()) -> None:
    """End the keys that somebody made, and those made with these keys, as far as they may more than `permissions`."""
    for key_id in await api_keys.revoke_keys_beyond(uow, maker_id, permissions=sorted(permissions), now=uow.now):
        record(uow, "api_key.revoked", key_id, maker_id=maker_id)


async def list_api_keys(uow: UnitOfWork, *, before: UUID | None, limit: int) -> list[ApiKeyView]:
    """Return keys without the keys themselves, the newest first."""
    return await api_keys.list_api_keys(uow, before=before, limit=limit)
