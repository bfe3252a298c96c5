"""The example's table as its releases use it: before, between (writes both, reads what is there), and after; and its backfill."""

from typing import Any
from uuid import UUID

from payme.kit.phone import normalise_msisdn
from payme.runtime.database import UnitOfWork
from payme.runtime.database.backfills import Backfill, Batch
from payme.runtime.security import BlindIndex, FieldCipher

TABLE, COLUMN = "guests", "phone"
CREATE = """
create table guests (
  business_id uuid not null,
  id uuid not null,
  phone text,
  visits integer not null default 0,
  primary key (business_id, id)
);
select tenant_table('guests', 'select, insert, update');
"""


def sealed(uow: UnitOfWork, guest_id: UUID, phone: str) -> tuple[bytes, bytes]:
    """Return envelope and fingerprint; the envelope belongs to this row of this business and opens in no other."""
    number = _number(phone)
    envelope = uow.tool(FieldCipher).encrypt(
        number, table=TABLE, column=COLUMN, business_id=uow.tenant, row_id=guest_id
    )
    index = uow.tool(BlindIndex).fingerprint(number, table=TABLE, column=COLUMN, business_id=uow.tenant)
    return envelope, index


def opened(uow: UnitOfWork, guest_id: UUID, envelope: bytes) -> str:
    """Return the number of an envelope that stands in this row. Raises: UnreadableField."""
    return uow.tool(FieldCipher).decrypt(envelope, table=TABLE, column=COLUMN, business_id=uow.tenant, row_id=guest_id)


async def add_before(uow: UnitOfWork, guest_id: UUID, phone: str) -> None:
    """Write as the release before step 1 does."""
    await uow.execute("insert into guests (business_id, id, phone) values ($1, $2, $3)", uow.tenant, guest_id, phone)


async def add_between(uow: UnitOfWork, guest_id: UUID, phone: str) -> None:
    """Write as the release of step 2 does: both, so that one may go back to the release before."""
    await uow.execute(
        "insert into guests (business_id, id, phone, phone_encrypted, phone_index) values ($1, $2, $3, $4, $5)",
        uow.tenant, guest_id, phone, *sealed(uow, guest_id, phone),
    )  # fmt: skip


async def add_after(uow: UnitOfWork, guest_id: UUID, phone: str) -> None:
    """Write as the release of step 4 does."""
    await uow.execute(
        "insert into guests (business_id, id, phone_encrypted, phone_index) values ($1, $2, $3, $4)",
        uow.tenant, guest_id, *sealed(uow, guest_id, phone),
    )  # fmt: skip


async def find_before(uow: UnitOfWork, phone: str) -> set[UUID]:
    """Find as the release before step 1 does."""
    rows = await uow.fetch("select id from guests where business_id = $1 and phone = $2", uow.tenant, phone)
    return {row["id"] for row in rows}


async def find_between(uow: UnitOfWork, phone: str) -> set[UUID]:
    """Find as the release of step 2 does: by fingerprint, and by the plain column where the backfill was not yet."""
    return await find_after(uow, phone) | await find_before(uow, phone)


async def find_after(uow: UnitOfWork, phone: str) -> set[UUID]:
    """Find as the release of step 4 does."""
    index = uow.tool(BlindIndex).fingerprint(_number(phone), table=TABLE, column=COLUMN, business_id=uow.tenant)
    rows = await uow.fetch("select id from guests where business_id = $1 and phone_index = $2", uow.tenant, index)
    return {row["id"] for row in rows}


def _number(phone: str) -> str:
    number = normalise_msisdn(phone)
    assert number is not None, phone
    return number


async def seal_batch(uow: UnitOfWork, after: str | None, limit: int) -> Batch:
    """Encrypt the next rows behind a key that have a plain number and no envelope."""
    rows: list[Any] = await uow.fetch(
        "select id, phone from guests where business_id = $1 and ($2::uuid is null or id > $2)"
        " and phone is not null and phone_encrypted is null order by id limit $3 for update",
        uow.tenant,
        UUID(after) if after else None,
        limit,
    )
    if not rows:
        return Batch(0, None)
    pairs = [sealed(uow, row["id"], row["phone"]) for row in rows]
    await uow.execute(
        "update guests g set phone_encrypted = n.envelope, phone_index = n.index"
        " from unnest($2::uuid[], $3::bytea[], $4::bytea[]) as n (id, envelope, index)"
        " where g.business_id = $1 and g.id = n.id",
        uow.tenant,
        [row["id"] for row in rows],
        [envelope for envelope, _ in pairs],
        [index for _, index in pairs],
    )
    return Batch(len(rows), str(rows[-1]["id"]))


async def count_plain(uow: UnitOfWork) -> int:
    """Count the rows with a plain number and no envelope."""
    return await uow.fetchval(
        "select count(*) from guests where business_id = $1 and phone is not null and phone_encrypted is null",
        uow.tenant,
    )


GUEST_PHONES = Backfill(
    name="guest_phones", what="encrypt the phone numbers of guests", batch=seal_batch, count_left=count_plain
)


async def visit_batch(uow: UnitOfWork, after: str | None, limit: int) -> Batch:
    """Count a visit of each guest behind a key: done twice to a row, it would show."""
    rows = await uow.fetch(
        "update guests set visits = visits + 1 where business_id = $1 and id in (select id from guests"
        " where business_id = $1 and ($2::uuid is null or id > $2) order by id limit $3) returning id",
        uow.tenant,
        UUID(after) if after else None,
        limit,
    )
    return Batch(len(rows), str(max(row["id"] for row in rows)) if rows else None)


async def count_unvisited(uow: UnitOfWork) -> int:
    """Count the guests without a visit."""
    return await uow.fetchval("select count(*) from guests where business_id = $1 and visits = 0", uow.tenant)


GUEST_VISITS = Backfill(
    name="guest_visits", what="count a visit of each guest", batch=visit_batch, count_left=count_unvisited
)
