"""Add a customer. A till that met somebody offline says so with the id it made; saying it again changes nothing."""

from uuid import UUID

from payme.features import audit
from payme.features.customers.errors import CustomerExists
from payme.features.customers.repository import customers
from payme.features.customers.repository.customers import StoredCustomer
from payme.features.customers.schemas import CreateCustomer, CustomerView
from payme.features.customers.services.phones import normal_phone, seal
from payme.features.customers.services.read_customers import get_customer, shown
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork


async def create_customer(uow: UnitOfWork, command: CreateCustomer) -> CustomerView:
    """Add a customer; where the id is known and the words are the same, return the one there is, as they stand now.

    Raises: CustomerPhoneInvalid, CustomerExists.
    """
    customer_id, phone = command.id or new_id(), normal_phone(command.phone)
    customer = StoredCustomer(
        id=customer_id, name=command.name, kind=command.kind, phone=seal(uow, customer_id, phone), note=command.note,
        consents=command.consents, active=True, created_at=uow.now, updated_at=uow.now, rev=1,
    )  # fmt: skip
    if not await customers.insert_customer(uow, customer):
        return await _same(uow, customer_id, command, phone=phone)
    audit.record(uow, "customer.created", customer_id, kind=command.kind, consents=command.consents)
    uow.touch("customers", customer_id)
    return shown(uow, customer)


async def _same(uow: UnitOfWork, customer_id: UUID, command: CreateCustomer, *, phone: str | None) -> CustomerView:
    known = await get_customer(uow, customer_id)
    said = (command.name, command.kind, phone, command.note, command.consents)
    if said != (known.name, known.kind, known.phone, known.note, known.consents):
        raise CustomerExists(customer_id=customer_id)
    found = await customers.find_customer(uow, customer_id)
    assert found is not None, "it was read a moment ago, and customers are not deleted"
    return shown(uow, found)
