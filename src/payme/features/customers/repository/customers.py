"""SQL of customers themselves. A phone number comes and goes encrypted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payme.features.customers.enums import Consent, CustomerKind
from payme.features.customers.schemas import CustomerFilter
from payme.kit.synced import ChangedRow, Place
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

Position = tuple[str, UUID]
_START: Final[Position] = ("", UUID(int=0))
_COLUMNS: Final = """
select id, name, kind, phone_encrypted, phone_index, phone_masked, note, consents, active, created_at, updated_at, rev from customers"""
_FIND: Final = "-- customers.find_customer" + _COLUMNS + " where business_id = $1 and id = $2"
_LIST_OF: Final = "-- customers.list_customers_of" + _COLUMNS + " where business_id = $1 and id = any ($2::uuid[])"
_LIST: Final = (
    "-- customers.list_customers"
    + _COLUMNS
    + """
    where business_id = $1 and (lower(name), id) > (lower($2), $3) and ($4::text is null or kind = $4)
      and ($5::boolean is null or active = $5)
      and ($6::text is null or position(lower($6) in lower(name)) > 0 or phone_index = $7)
    order by lower(name), id limit $8"""
)
# What a till needs of a customer: the last digits of the number, never the number.
_DOCUMENT: Final = """ concat(
          '{"id":"', p.id, '","name":', to_json(p.name), ',"kind":"', p.kind, '","phone_masked":', to_json(p.phone_masked),
          ',"note":', to_json(p.note), ',"consents":', to_json(p.consents), ',"active":', p.active::text, ',"rev":', p.rev,
          ',"updated_at":"', to_char(p.updated_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '","_deleted":false}') as document
        from customers p where p.business_id = $1 and p.id ="""
_PAGE: Final = (
    """-- customers.page_customers
        select c.document_id, c.seq, c.rev, d.document
        from (select * from sync_page($1, 'customers', $2, $3, $4) order by seq, document_id limit $5) c
        left join lateral (select"""  # noqa: S608 -- constants of this file
    + _DOCUMENT
    + " c.document_id offset 0) d on true order by c.seq, c.document_id"
)
_LOCK_DOCUMENT: Final = "-- customers.lock_customer_document\nselect p.rev," + _DOCUMENT + " $2 for no key update of p"


@value
class SealedPhone:
    """A phone number as it is stored: the envelope, the fingerprint to find it by, the last digits for screens."""

    envelope: bytes | None
    fingerprint: bytes | None
    masked: str


@value
class StoredCustomer:
    """A customer as the table has them."""

    id: UUID
    name: str
    kind: CustomerKind
    phone: SealedPhone
    note: str
    consents: list[Consent]
    active: bool
    created_at: datetime
    updated_at: datetime
    rev: int


async def insert_customer(uow: UnitOfWork, customer: StoredCustomer) -> bool:
    """Add a customer; return False where the id is somebody's already."""
    touched = await uow.execute(
        """-- customers.insert_customer
        insert into customers (business_id, id, name, kind, phone_encrypted, phone_index, phone_masked, note, consents, active,
          created_at, created_by, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $11)
        on conflict on constraint customers_pkey do nothing""",
        uow.tenant, customer.id, customer.name, customer.kind, customer.phone.envelope, customer.phone.fingerprint,
        customer.phone.masked, customer.note, customer.consents, customer.active, customer.created_at, uow.actor.id,
    )  # fmt: skip
    return bool(touched)


async def update_customer(uow: UnitOfWork, customer: StoredCustomer) -> int:
    """Write a customer as they stand in the record, and return the new revision."""
    return await uow.fetchval(
        """-- customers.update_customer
        update customers set name = $3, kind = $4, phone_encrypted = $5, phone_index = $6, phone_masked = $7, note = $8, consents = $9,
          active = $10, updated_at = $11, rev = rev + 1
        where business_id = $1 and id = $2 returning rev""",
        uow.tenant, customer.id, customer.name, customer.kind, customer.phone.envelope, customer.phone.fingerprint,
        customer.phone.masked, customer.note, customer.consents, customer.active, customer.updated_at,
    )  # fmt: skip


async def lock_customer(uow: UnitOfWork, customer_id: UUID) -> int | None:
    """Lock a customer against other changes, not against sales, and return the revision, or None."""
    return await uow.fetchval(
        """-- customers.lock_customer
        select rev from customers where business_id = $1 and id = $2 for no key update""",
        uow.tenant,
        customer_id,
    )


async def is_known(uow: UnitOfWork, customer_id: UUID) -> bool:
    """Say whether there is such a customer."""
    return await uow.fetchval(
        """-- customers.is_known
        select exists (select from customers where business_id = $1 and id = $2)""",
        uow.tenant,
        customer_id,
    )


async def find_customer(uow: UnitOfWork, customer_id: UUID) -> StoredCustomer | None:
    """Return a customer, or None."""
    row = await uow.fetchrow(_FIND, uow.tenant, customer_id)
    return None if row is None else _stored(dict(row))


async def list_customers_of(uow: UnitOfWork, customer_ids: Sequence[UUID]) -> list[StoredCustomer]:
    """Return those customers that there are of some ids, in no order."""
    return [_stored(dict(row)) for row in await uow.fetch(_LIST_OF, uow.tenant, list(customer_ids))]


async def list_customers(
    uow: UnitOfWork, wanted: CustomerFilter, *, fingerprint: bytes | None, after: Position | None, limit: int
) -> list[StoredCustomer]:
    """Return customers by name, then id, beyond a position; `fingerprint` is that of the phone number looked for."""
    rows = await uow.fetch(
        _LIST, uow.tenant, *(after or _START), wanted.kind, wanted.active, wanted.q, fingerprint, limit
    )
    return [_stored(dict(row)) for row in rows]


async def page_customers(uow: UnitOfWork, place: Place) -> list[ChangedRow]:
    """Return customers as tills know them, in the order of their changes after a place."""
    rows = await uow.fetch(_PAGE, uow.tenant, place.sequence, place.id, place.branch_id, place.limit)
    return [ChangedRow(row["document_id"], row["seq"], row["rev"], row["document"]) for row in rows]


async def lock_customer_document(uow: UnitOfWork, customer_id: UUID) -> ChangedRow | None:
    """Lock a customer as `lock_customer` does, and return them as tills know them, or None."""
    row = await uow.fetchrow(_LOCK_DOCUMENT, uow.tenant, customer_id)
    return None if row is None else ChangedRow(customer_id, 0, row["rev"], row["document"])


def _stored(row: dict[str, Any]) -> StoredCustomer:
    phone = SealedPhone(row.pop("phone_encrypted"), row.pop("phone_index"), row.pop("phone_masked"))
    return StoredCustomer(phone=phone, **row)
