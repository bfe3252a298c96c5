"""Phone numbers and addresses of people under an older key. The blind indexes have a key of their own and stay."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from payme.runtime.database import UnitOfWork
from payme.runtime.database.sealed import SealedRow, SealedTable, Stale

_LOWEST_ID = UUID(int=0)


async def lock_stale_users(uow: UnitOfWork, stale: Stale) -> list[SealedRow]:
    """Return people with a value under another key, in the order of their ids, and hold those that nobody holds."""
    rows = await uow.fetch(
        """-- identity.lock_stale_users
        select id, phone_encrypted, email_encrypted from users
        where id > $2
          and (substring(phone_encrypted for length($1::bytea)) <> $1::bytea or substring(email_encrypted for length($1::bytea)) <> $1::bytea)
        order by id limit $3 for update skip locked
        """,
        stale.envelope,
        stale.after or _LOWEST_ID,
        stale.limit,
    )
    return [SealedRow(row["id"], row["id"], {"phone": row[1], "email": row[2]}) for row in rows]


async def store_sealed_users(uow: UnitOfWork, rows: Sequence[SealedRow]) -> None:
    """Replace the encrypted values of people who are held."""
    await uow.execute(
        """-- identity.store_sealed_users
        update users u set phone_encrypted = t.phone, email_encrypted = t.email
        from unnest($1::uuid[], $2::bytea[], $3::bytea[]) t (id, phone, email)
        where u.id = t.id
        """,
        [row.row_id for row in rows],
        [row.values["phone"] for row in rows],
        [row.values["email"] for row in rows],
    )


async def count_users_by_key(uow: UnitOfWork) -> dict[str, int]:
    """Return how many encrypted values of people there are under each key id."""
    rows = await uow.fetch(
        """-- identity.count_users_by_key
        select encode(substring(v from 3 for get_byte(v, 1)), 'escape') as key_id, count(*) as values
        from users, lateral (values (phone_encrypted), (email_encrypted)) s (v) where length(v) > 2
        group by key_id
        """
    )
    return {row["key_id"]: row["values"] for row in rows}


SEALED: Final = (
    SealedTable(
        name="users",
        columns=("phone", "email"),
        of_businesses=False,
        lock_stale=lock_stale_users,
        store=store_sealed_users,
        count_by_key=count_users_by_key,
    ),
)
