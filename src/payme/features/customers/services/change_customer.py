"""Change what is known of a customer."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from payme.features import audit
from payme.features.customers.errors import CustomerNotFound
from payme.features.customers.repository import customers
from payme.features.customers.schemas import ChangeCustomer, CustomerView
from payme.features.customers.services.phones import normal_phone, open_phone, seal
from payme.features.customers.services.read_customers import shown
from payme.runtime.database import UnitOfWork


async def lock_customer(uow: UnitOfWork, customer_id: UUID) -> int:
    """Lock a customer against other changes and return the revision. Raises: CustomerNotFound."""
    rev = await customers.lock_customer(uow, customer_id)
    if rev is None:
        raise CustomerNotFound(customer_id=customer_id)
    return rev


async def change_customer(uow: UnitOfWork, customer_id: UUID, *, command: ChangeCustomer) -> CustomerView:
    """Change what the command names and nothing else; a change that changes nothing makes no new revision.

    Raises: CustomerNotFound, CustomerPhoneInvalid.
    """
    await lock_customer(uow, customer_id)
    before = await customers.find_customer(uow, customer_id)
    assert before is not None, "it was locked a moment ago"
    wanted: dict[str, Any] = {name: getattr(command, name) for name in command.model_fields_set}
    if "phone" in wanted:
        msisdn = normal_phone(wanted.pop("phone"))
        if msisdn != open_phone(uow, before):
            wanted["phone"] = seal(uow, customer_id, msisdn)
    changed = {name: value for name, value in wanted.items() if getattr(before, name) != value}
    if not changed:
        return shown(uow, before)
    after = replace(before, **changed, updated_at=uow.now)
    rev = await customers.update_customer(uow, after)
    # The log outlives what is known of a person, so it says which words changed and not to what.
    consents = {"consents": after.consents} if "consents" in changed else {}
    audit.record(uow, "customer.changed", customer_id, changed=sorted(changed), **consents)
    uow.touch("customers", customer_id)
    return shown(uow, replace(after, rev=rev))
