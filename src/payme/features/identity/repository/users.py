"""People. Phone numbers and e-mail addresses are stored encrypted and found by their blind index."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payme.runtime.database import UnitOfWork
from payme.runtime.security import InvalidToken


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """A person as stored."""

    id: UUID
    name: str
    phone_encrypted: bytes | None
    phone_index: bytes | None
    email_encrypted: bytes | None
    email_index: bytes | None
    password_hash: str
    session_version: int
    business_ids: list[UUID]
    status: str
    created_at: datetime


async def insert_user(uow: UnitOfWork, user: UserRow) -> None:
    """Add a person. Raises: IdentifierTaken."""
    await uow.execute(
        """-- identity.insert_user
        insert into users (id, name, phone_encrypted, phone_index, email_encrypted, email_index, password_hash, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        user.id,
        user.name,
        user.phone_encrypted,
        user.phone_index,
        user.email_encrypted,
        user.email_index,
        user.password_hash,
        user.created_at,
    )


async def find_user_by_index(uow: UnitOfWork, *, phone: bytes | None, email: bytes | None) -> UserRow | None:
    """Return the person who signed up with this phone number or e-mail address, given as blind indexes."""
    row = await uow.fetchrow(
        """-- identity.find_user_by_index
        select id, name, phone_encrypted, phone_index, email_encrypted, email_index, password_hash, session_version,
          business_ids, status, created_at
        from users where phone_index = $1 or email_index = $2
        """,
        phone,
        email,
    )
    return UserRow(**dict(row)) if row else None


async def get_user(uow: UnitOfWork, user_id: UUID) -> UserRow:
    """Return a person. Raises: InvalidToken, for only a token can name somebody who is gone."""
    row = await uow.fetchrow(
        """-- identity.get_user
        select id, name, phone_encrypted, phone_index, email_encrypted, email_index, password_hash, session_version,
          business_ids, status, created_at
        from users where id = $1
        """,
        user_id,
    )
    if row is None:
        raise InvalidToken
    return UserRow(**dict(row))


async def store_password_hash(uow: UnitOfWork, user_id: UUID, *, old: str, new: str) -> None:
    """Replace a password hash by one of the same password at the present cost."""
    await uow.execute(
        """-- identity.store_password_hash
        update users set password_hash = $3 where id = $1 and password_hash = $2
        """,
        user_id,
        old,
        new,
    )


async def add_to_directory(uow: UnitOfWork, user_id: UUID) -> None:
    """Note that the person's memberships are to be looked for in this business too."""
    await uow.execute(
        """-- identity.add_to_directory
        update users set business_ids = array_append(business_ids, $2::uuid)
        where id = $1 and not business_ids @> array[$2::uuid]
        """,
        user_id,
        uow.tenant,
    )


async def remove_from_directory(uow: UnitOfWork, user_id: UUID) -> None:
    """Note that the person has no membership in this business any more."""
    await uow.execute(
        """-- identity.remove_from_directory
        update users set business_ids = array_remove(business_ids, $2) where id = $1
        """,
        user_id,
        uow.tenant,
    )
