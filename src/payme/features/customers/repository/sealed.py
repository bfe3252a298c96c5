"""Phone numbers of customers under an older key. The blind index has a key of its own and stays."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from payme.runtime.database import UnitOfWork
from payme.runtime.database.sealed import SealedRow, SealedTable, Stale

_LOWEST_ID = UUID(int=0)
_PHONE: Final = "phone_encrypted"


async def lock_stale_customers(uow: UnitOfWork, stale: Stale) -> list[SealedRow]:
    """Return customers whose phone number is under another key, in the order of their ids, and hold those that nobody holds."""
    rows = await uow.fetch(
        """-- customers.lock_stale_customers
        select id, phone_encrypted from customers
        where business_id = $1 and id > $3 and substring(phone_encrypted for length($2::bytea)) <> $2::bytea
        order by id limit $4 for update skip locked""",
        uow.tenant, stale.envelope, stale.after or _LOWEST_ID, stale.limit,
    )  # fmt: skip
    return [SealedRow(row["id"], row["id"], {_PHONE: row[_PHONE]}) for row in rows]


async def store_sealed_customers(uow: UnitOfWork, rows: Sequence[SealedRow]) -> None:
    """Replace the encrypted phone numbers of customers who are held."""
    await uow.execute(
        """-- customers.store_sealed_customers
        update customers c set phone_encrypted = t.phone from unnest($2::uuid[], $3::bytea[]) t (id, phone)
        where c.business_id = $1 and c.id = t.id""",
        uow.tenant, [row.row_id for row in rows], [row.values[_PHONE] for row in rows],
    )  # fmt: skip


async def count_customers_by_key(uow: UnitOfWork) -> dict[str, int]:
    """Return how many phone numbers of customers there are under each key id."""
    rows = await uow.fetch(
        """-- customers.count_customers_by_key
        select encode(substring(phone_encrypted from 3 for get_byte(phone_encrypted, 1)), 'escape') as key_id, count(*) as values
        from customers where business_id = $1 and length(phone_encrypted) > 2 group by key_id""",
        uow.tenant,
    )
    return {row["key_id"]: row["values"] for row in rows}


SEALED: Final = (
    SealedTable(
        name="customers", columns=(_PHONE,), of_businesses=True,
        lock_stale=lock_stale_customers, store=store_sealed_customers, count_by_key=count_customers_by_key,
    ),
)  # fmt: skip
