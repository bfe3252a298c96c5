"""Members of a business. Every change tells all processes to forget what they remember of the member."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payme.features.identity.repository.sessions import tell
from payme.features.identity.schemas import MemberView
from payme.runtime.database import UnitOfWork

_LOWEST_ID = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """A member as stored; `status` is active or removed."""

    user_id: UUID
    display_name: str
    roles: list[str]
    pin_hash: str | None
    status: str
    rev: int
    created_at: datetime

    def view(self) -> MemberView:
        """Return what others may see."""
        return MemberView.model_validate(
            {
                "user_id": self.user_id,
                "display_name": self.display_name,
                "roles": self.roles,
                "has_pin": self.pin_hash is not None,
                "rev": self.rev,
                "created_at": self.created_at,
            }
        )


async def admit_member(uow: UnitOfWork, user_id: UUID, *, display_name: str, roles: Sequence[str]) -> bool:
    """Make somebody a member, again where they were removed; False where they are one already."""
    count = await uow.execute(
        """-- identity.admit_member
        insert into members as kept (business_id, user_id, display_name, roles, created_at)
        values ($1, $2, $3, $4, $5)
        on conflict (business_id, user_id) do update
        set display_name = excluded.display_name, roles = excluded.roles, status = 'active', pin_hash = null, rev = kept.rev + 1
        where kept.status = 'removed'
        """,
        uow.tenant,
        user_id,
        display_name,
        list(roles),
        uow.now,
    )
    if count:
        await note_term(uow, user_id)
        await tell_of_member(uow, user_id)
    return bool(count)


async def find_member(uow: UnitOfWork, user_id: UUID) -> MemberRow | None:
    """Return an active member."""
    row = await uow.fetchrow(
        """-- identity.find_member
        select user_id, display_name, roles, pin_hash, status, rev, created_at from members
        where business_id = $1 and user_id = $2 and status = 'active'
        """,
        uow.tenant,
        user_id,
    )
    return MemberRow(**dict(row)) if row else None


async def lock_member_and_owners(uow: UnitOfWork, user_id: UUID) -> list[MemberRow]:
    """Return the member and all owners, active ones, and hold their rows in one order."""
    rows = await uow.fetch(
        """-- identity.lock_member_and_owners
        select user_id, display_name, roles, pin_hash, status, rev, created_at from members
        where business_id = $1 and status = 'active' and (user_id = $2 or 'owner' = any(roles))
        order by user_id
        for update
        """,
        uow.tenant,
        user_id,
    )
    return [MemberRow(**dict(row)) for row in rows]


async def hold_maker(uow: UnitOfWork, actor_id: UUID) -> bool:
    """Hold whoever makes a key, member or key, so that their end is seen; False where they have ended. Nobody known: True."""
    ended = await uow.fetchval(
        """-- identity.hold_maker
        with held_member as (
          select status <> 'active' as ended from members where business_id = $1 and user_id = $2 for share
        ), held_key as (
          select revoked_at is not null as ended from api_keys where business_id = $1 and id = $2 for share
        )
        select coalesce(bool_or(ended), false) from (select ended from held_member union all select ended from held_key) h
        """,
        uow.tenant,
        actor_id,
    )
    return not ended


async def list_members(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[MemberView]:
    """Return active members in the order of their user ids."""
    rows = await uow.fetch(
        """-- identity.list_members
        select user_id, display_name, roles, pin_hash, status, rev, created_at from members
        where business_id = $1 and user_id > $2 and status = 'active'
        order by user_id
        limit $3
        """,
        uow.tenant,
        after or _LOWEST_ID,
        limit,
    )
    return [MemberRow(**dict(row)).view() for row in rows]


async def list_members_of_roles(uow: UnitOfWork, roles: Sequence[str], *, but: UUID) -> list[MemberView]:
    """Return active members with one of these roles, save one person, in the order of their user ids."""
    rows = await uow.fetch(
        """-- identity.list_members_of_roles
        select user_id, display_name, roles, pin_hash, status, rev, created_at from members
        where business_id = $1 and user_id <> $3 and status = 'active' and roles && $2::text[]
        order by user_id
        """,
        uow.tenant,
        list(roles),
        but,
    )
    return [MemberRow(**dict(row)).view() for row in rows]


async def change_member(uow: UnitOfWork, user_id: UUID, *, display_name: str, roles: Sequence[str]) -> None:
    """Store a locked member's name and roles."""
    await uow.execute(
        """-- identity.change_member
        update members set display_name = $3, roles = $4, rev = rev + 1 where business_id = $1 and user_id = $2
        """,
        uow.tenant,
        user_id,
        display_name,
        list(roles),
    )
    await note_term(uow, user_id)
    await tell_of_member(uow, user_id)


async def remove_member(uow: UnitOfWork, user_id: UUID) -> None:
    """Let a locked member be one no longer; the row stays, for what it did still names it."""
    await uow.execute(
        """-- identity.remove_member
        update members set status = 'removed', pin_hash = null, rev = rev + 1 where business_id = $1 and user_id = $2
        """,
        uow.tenant,
        user_id,
    )
    await note_term(uow, user_id)
    await tell_of_member(uow, user_id)


async def store_pin_hash(uow: UnitOfWork, user_id: UUID, *, pin_hash: str) -> None:
    """Store the hash of a member's PIN."""
    await uow.execute(
        """-- identity.store_pin_hash
        update members set pin_hash = $3, rev = rev + 1 where business_id = $1 and user_id = $2 and status = 'active'
        """,
        uow.tenant,
        user_id,
        pin_hash,
    )


async def note_term(uow: UnitOfWork, user_id: UUID) -> None:
    """Note what a member is from now on."""
    await uow.execute(
        """-- identity.note_term
        insert into member_terms (business_id, user_id, since, roles, is_active)
        select business_id, user_id, $3, roles, status = 'active' from members where business_id = $1 and user_id = $2
        """,
        uow.tenant,
        user_id,
        uow.now,
    )


async def tell_of_member(uow: UnitOfWork, user_id: UUID) -> None:
    """Have every process look this member up again."""
    await tell(uow, f"member:{uow.tenant}:{user_id}")
