"""Customers as a till knows them: a name and the last digits of a number. A number itself is told by a command, never by a row."""

from typing import Final
from uuid import UUID

from payme.features import customers
from payme.features.sync.enums import Kind
from payme.features.sync.errors import NotDeletable
from payme.features.sync.rules.strategies import Content
from payme.features.sync.services.collections import Collection
from payme.kit.synced import ChangedRow, Place
from payme.runtime.database import UnitOfWork

_FIELDS: Final = frozenset({"name", "kind", "note", "consents", "active"})


class _Described(customers.CreateCustomer):
    active: bool = True


class Customers(Collection):
    """The people who buy. They are not deleted; who is not to be seen any more is made inactive."""

    name, stamp, kind = "customers", "customers", Kind.PEOPLE
    writes = "sync.push"  # whoever sells may describe customers, and a device sends what they wrote without a network
    content = _Described
    fields, server_fields, private = _FIELDS, frozenset({"phone_masked"}), frozenset({"phone"})

    async def page(self, uow: UnitOfWork, place: Place) -> list[ChangedRow]:
        """Return customers."""
        return await customers.page_customers(uow, place)

    async def lock(self, uow: UnitOfWork, document_id: UUID) -> ChangedRow | None:
        """Lock a customer against other changes, not against sales."""
        return await customers.lock_customer_document(uow, document_id)

    async def write(self, uow: UnitOfWork, document_id: UUID, content: Content, *, current: Content | None) -> None:
        """Make or change a customer by the services of customers."""
        if content.is_deleted:
            raise NotDeletable
        fields = dict(content.fields)
        if current is None:
            active = fields.pop("active")
            await customers.create_customer(uow, customers.CreateCustomer.model_validate({**fields, "id": document_id}))
            fields = {} if active else {"active": False}
        changed = {name: each for name, each in fields.items() if current is None or current.fields.get(name) != each}
        if changed:
            command = customers.ChangeCustomer.model_validate(changed)
            await customers.change_customer(uow, document_id, command=command)
