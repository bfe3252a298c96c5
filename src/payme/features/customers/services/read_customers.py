"""Find customers and list them; whole phone numbers only for those who may see them."""

from collections.abc import Sequence
from uuid import UUID

from payme.features.customers.errors import CustomerNotFound
from payme.features.customers.repository import customers
from payme.features.customers.repository.customers import Position, StoredCustomer
from payme.features.customers.schemas import SEES_PHONE, CustomerFilter, CustomerView
from payme.features.customers.services.phones import fingerprint_of, open_phone
from payme.kit.phone import normalise_msisdn
from payme.kit.synced import ChangedRow, Place
from payme.runtime.database import UnitOfWork


async def get_customer(uow: UnitOfWork, customer_id: UUID) -> CustomerView:
    """Return a customer with everything known of them; `show_customer` makes it fit to be shown. Raises: CustomerNotFound."""
    customer = await customers.find_customer(uow, customer_id)
    if customer is None:
        raise CustomerNotFound(customer_id=customer_id)
    return view_of(customer, phone=open_phone(uow, customer))


async def show_customer(uow: UnitOfWork, customer_id: UUID) -> CustomerView:
    """Return a customer as the actor may see them. Raises: CustomerNotFound."""
    customer = await customers.find_customer(uow, customer_id)
    if customer is None:
        raise CustomerNotFound(customer_id=customer_id)
    return shown(uow, customer)


async def check_customer(uow: UnitOfWork, customer_id: UUID) -> None:
    """Refuse where there is no such customer. Raises: CustomerNotFound."""
    if not await customers.is_known(uow, customer_id):
        raise CustomerNotFound(customer_id=customer_id)


async def list_customers_of(uow: UnitOfWork, customer_ids: Sequence[UUID]) -> list[CustomerView]:
    """Return those customers that there are of some ids, as the actor may see them, in no order."""
    return [shown(uow, each) for each in await customers.list_customers_of(uow, customer_ids)]


async def list_customers(
    uow: UnitOfWork, wanted: CustomerFilter, *, after: Position | None, limit: int
) -> list[CustomerView]:
    """Return customers by name as the actor may see them, beyond a position."""
    msisdn = normalise_msisdn(wanted.q) if wanted.q else None
    fingerprint = fingerprint_of(uow, msisdn) if msisdn else None
    found = await customers.list_customers(uow, wanted, fingerprint=fingerprint, after=after, limit=limit)
    return [shown(uow, each) for each in found]


async def page_customers(uow: UnitOfWork, place: Place) -> list[ChangedRow]:
    """Return customers as tills know them, with masked numbers, in the order of their changes after a place."""
    return await customers.page_customers(uow, place)


async def lock_customer_document(uow: UnitOfWork, customer_id: UUID) -> ChangedRow | None:
    """Lock a customer against other changes and return them as tills know them, or None."""
    return await customers.lock_customer_document(uow, customer_id)


def shown(uow: UnitOfWork, customer: StoredCustomer) -> CustomerView:
    """Return the view of a customer that the actor may have."""
    return view_of(customer, phone=open_phone(uow, customer) if uow.actor.may(SEES_PHONE) else None)


def view_of(customer: StoredCustomer, *, phone: str | None) -> CustomerView:
    """Return the view of a customer with the number that is to stand in it."""
    return CustomerView(
        id=customer.id, name=customer.name, kind=customer.kind, phone=phone, phone_masked=customer.phone.masked, note=customer.note,
        consents=customer.consents, active=customer.active, created_at=customer.created_at, updated_at=customer.updated_at,
        rev=customer.rev,
    )  # fmt: skip
