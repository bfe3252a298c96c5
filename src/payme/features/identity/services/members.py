"""Members of a business: who belongs to it and as what.

Invariant: a business has an owner, and nobody hands out or takes away a power that they do not hold.
"""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from pydantic import SecretStr

from payme.features.audit import record
from payme.features.identity.enums import Role
from payme.features.identity.errors import AlreadyMember, BeyondYourPower, LastOwner, MemberNotFound, PinInvalid
from payme.features.identity.repository import api_keys, members, users
from payme.features.identity.repository.members import MemberRow
from payme.features.identity.rules import PERMISSIONS, is_pin, permissions_of, reaches, roles_that_may
from payme.features.identity.schemas import ChangeMember, MemberView
from payme.features.identity.services.api_keys import end_keys_beyond
from payme.features.identity.services.tools import identity_of
from payme.runtime.database import Database, UnitOfWork

COLLECTION: Final = "members"


async def add_member(uow: UnitOfWork, user_id: UUID, *, display_name: str, roles: Sequence[str]) -> None:
    """Make a person a member of the business at hand; who may do that has been decided. Raises: AlreadyMember."""
    if not await members.admit_member(uow, user_id, display_name=display_name, roles=roles):
        raise AlreadyMember
    await users.add_to_directory(uow, user_id)
    record(uow, "member.added", user_id, roles=sorted(roles))
    uow.touch(COLLECTION, user_id)


async def get_member(uow: UnitOfWork, user_id: UUID) -> MemberView:
    """Return an active member. Raises: MemberNotFound."""
    member = await members.find_member(uow, user_id)
    if member is None:
        raise MemberNotFound
    return member.view()


async def find_roles(uow: UnitOfWork, user_id: UUID) -> list[Role] | None:
    """Return what somebody is in the business at hand, or None where they have no part in it."""
    member = await members.find_member(uow, user_id)
    return [Role(role) for role in member.roles] if member else None


async def list_members(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[MemberView]:
    """Return active members in the order of their user ids."""
    return await members.list_members(uow, after=after, limit=limit)


async def list_members_who_may(uow: UnitOfWork, permissions: frozenset[str], *, but: UUID) -> list[MemberView]:
    """Return the active members with a role that holds all of these permissions, save one person, in the order of their user ids."""
    return await members.list_members_of_roles(uow, sorted(roles_that_may(permissions)), but=but)


async def find_person_behind(uow: UnitOfWork) -> UUID:
    """Return the person who acts: the actor, or whoever made the key that it is, through all the keys that made keys."""
    return await find_person(uow, uow.actor.id)


async def find_person(uow: UnitOfWork, actor_id: UUID) -> UUID:
    """Return the person whose doing an actor's was: the actor, or whoever made the key that it is."""
    return await api_keys.find_maker(uow, actor_id) or actor_id


async def lock_member_rev(uow: UnitOfWork, user_id: UUID) -> int:
    """Hold a member together with all owners, and return the member's revision. Raises: MemberNotFound."""
    member, _ = await _lock(uow, user_id)
    return member.rev


async def change_member(uow: UnitOfWork, user_id: UUID, *, command: ChangeMember) -> MemberView:
    """Change a member's name or roles; keys that they made and that may more than they now do are ended. Raises: MemberNotFound, BeyondYourPower, LastOwner."""
    member, owners = await _lock(uow, user_id)
    roles = [role.value for role in command.roles] if command.roles else member.roles
    if command.roles is not None:
        check_power(uow, member.roles, roles)
        if owners == {user_id} and Role.OWNER not in roles:
            raise LastOwner
    name = command.display_name or member.display_name
    await members.change_member(uow, user_id, display_name=name, roles=roles)
    await end_keys_beyond(uow, user_id, permissions=permissions_of(roles))
    if set(roles) != set(member.roles):
        record(uow, "member.roles_changed", user_id, before=sorted(member.roles), after=sorted(roles))
    uow.touch(COLLECTION, user_id)
    return await get_member(uow, user_id)


async def remove_member(uow: UnitOfWork, user_id: UUID) -> None:
    """Take somebody out of the business, and the keys that they made with them; every process knows within a second.

    Raises: MemberNotFound, BeyondYourPower, LastOwner.
    """
    member, owners = await _lock(uow, user_id)
    if uow.actor.id != user_id:
        check_power(uow, member.roles)
    if owners == {user_id}:
        raise LastOwner
    await members.remove_member(uow, user_id)
    await users.remove_from_directory(uow, user_id)
    await end_keys_beyond(uow, user_id)
    record(uow, "member.removed", user_id, roles=sorted(member.roles))
    uow.touch(COLLECTION, user_id, is_deleted=True)


async def hash_pin(database: Database, pin: SecretStr) -> str:
    """Return the hash of a PIN; it takes long, so that no transaction is open meanwhile. Raises: PinInvalid.

    It is also what a till without a network checks the PIN by, at a cost that a cheap phone can pay: a dearer hash would not
    make four digits harder to try.
    """
    digits = pin.get_secret_value()
    if not is_pin(digits):
        raise PinInvalid
    return await asyncio.to_thread(identity_of(database).pins.hash, digits)


async def set_member_pin(uow: UnitOfWork, user_id: UUID, *, pin_hash: str) -> None:
    """Store a member's PIN as `hash_pin` has hashed it. Raises: MemberNotFound, BeyondYourPower."""
    member = await members.find_member(uow, user_id)
    if member is None:
        raise MemberNotFound
    if uow.actor.id != user_id:
        check_power(uow, member.roles)
    await members.store_pin_hash(uow, user_id, pin_hash=pin_hash)
    record(uow, "member.pin_set", user_id)
    uow.touch(COLLECTION, user_id)


def check_power(uow: UnitOfWork, *changes: Sequence[str]) -> None:
    """Refuse to hand out or take away more than the actor holds. Raises: BeyondYourPower."""
    held = PERMISSIONS if uow.actor.kind == "system" else uow.actor.permissions
    if not reaches(held, *changes):
        raise BeyondYourPower


async def _lock(uow: UnitOfWork, user_id: UUID) -> tuple[MemberRow, set[UUID]]:
    """Return the member, and who the owners are."""
    found = await members.lock_member_and_owners(uow, user_id)
    member = next((each for each in found if each.user_id == user_id), None)
    if member is None:
        raise MemberNotFound
    return member, {each.user_id for each in found if Role.OWNER in each.roles}
