"""HTTP of customers."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.customers.enums import CustomerKind
from payme.features.customers.errors import CustomerExists, CustomerNotFound, CustomerPhoneInvalid
from payme.features.customers.schemas import ChangeCustomer, CreateCustomer, CustomerFilter, CustomerView
from payme.features.customers.services.change_customer import change_customer, lock_customer
from payme.features.customers.services.create_customer import create_customer
from payme.features.customers.services.read_customers import list_customers, show_customer
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}/customers", tag="customers")


@router.post(
    operation="customers_create", status=201, response=CustomerView, may="customers.write",
    errors=(CustomerExists, CustomerPhoneInvalid),
)  # fmt: skip
async def create(call: Call, command: CreateCustomer) -> Response:
    """Add a customer; with an id of your own, saying the same again answers with the one there is."""
    return await call.write(lambda uow: create_customer(uow, command), status=201)


@router.get(operation="customers_list", response=Page[CustomerView], may="customers.read")
async def list_all(
    call: Call,
    query: Paging,
    *,
    q: Annotated[str | None, Query(max_length=120, description="Part of a name, or a whole phone number")] = None,
    kind: CustomerKind | None = None,
    active: bool | None = None,
) -> Response:
    """List customers by name."""
    wanted = CustomerFilter(q=q or None, kind=kind, active=active)

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[CustomerView]:
        position = (str(after[0]), UUID(after[1])) if after else None
        return await list_customers(uow, wanted, after=position, limit=limit)

    return await call.read_page(query, work, key=lambda row: [row.name, str(row.id)])


@router.get(
    "/{customer_id}", operation="customers_get", response=CustomerView, may="customers.read", errors=(CustomerNotFound,)
)
async def read(call: Call, customer_id: UUID) -> Response:
    """Read a customer."""
    return await call.read(lambda uow: show_customer(uow, customer_id))


@router.patch(
    "/{customer_id}", operation="customers_change", response=CustomerView, may="customers.write",
    errors=(CustomerNotFound, CustomerPhoneInvalid),
)  # fmt: skip
async def change(call: Call, customer_id: UUID, *, command: ChangeCustomer) -> Response:
    """Change what is named of a customer."""
    return await call.update(
        lambda uow: change_customer(uow, customer_id, command=command), rev=lambda uow: lock_customer(uow, customer_id)
    )


feature = Feature("customers", "The people who buy, and what they agreed to.", (router,))
