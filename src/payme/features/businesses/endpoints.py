"""Businesses, branches, tills and one's own place among them over HTTP."""

from typing import Any
from uuid import UUID

from payme.features.businesses import services
from payme.features.businesses.errors import (
    BranchIdTaken,
    BranchNotFound,
    BusinessIdTaken,
    BusinessUnknown,
    ReceiptPrefixTaken,
    TillIdTaken,
)
from payme.features.businesses.schemas import (
    Branch,
    BusinessSettings,
    ChangeBusiness,
    CreateBranch,
    CreateBusiness,
    CreateTill,
    Me,
    Till,
)
from payme.features.identity import PersonNeeded
from payme.kit.ids import new_id
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router, signed_in

me_router = Router(prefix="/v1/me", tag="identity")
router = Router(prefix="/v1/businesses", tag="businesses")


@me_router.get(operation="me_get", access=signed_in, response=Me, errors=(PersonNeeded,))
async def show_me(call: Call) -> Response:
    """Show who is signed in, and where they belong."""
    _check_person(call)
    return call.answer(await services.show_me(call.database, call.actor))


@router.post(
    operation="businesses_create",
    access=signed_in,
    status=201,
    response=BusinessSettings,
    errors=(BusinessIdTaken, PersonNeeded),
)
async def create_business(call: Call, command: CreateBusiness) -> Response:
    """Open a business; you become its owner."""
    _check_person(call)
    bound = call.within(command.id or new_id())
    name = call.signed_in_as.name
    return await bound.write(lambda uow: services.create_business(uow, command, owner_name=name), status=201)


@router.get("/{business_id}", operation="businesses_get", may="business.read", response=BusinessSettings)
async def get_business(call: Call) -> Response:
    """Read the business and its settings."""
    return await call.read(services.get_business)


@router.patch(
    "/{business_id}",
    operation="businesses_change",
    may="business.configure",
    response=BusinessSettings,
    errors=(BusinessUnknown,),
)
async def change_business(call: Call, command: ChangeBusiness) -> Response:
    """Change the business's settings."""
    return await call.update(lambda uow: services.change_business(uow, command), rev=services.lock_business_rev)


@router.post(
    "/{business_id}/branches",
    operation="branches_create",
    may="business.configure",
    status=201,
    response=Branch,
    errors=(BranchIdTaken,),
)
async def create_branch(call: Call, command: CreateBranch) -> Response:
    """Open a branch."""
    return await call.write(lambda uow: services.create_branch(uow, command), status=201)


@router.get("/{business_id}/branches", operation="branches_list", may="business.read", response=Page[Branch])
async def list_branches(call: Call, query: Paging) -> Response:
    """List branches."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[Branch]:
        return await services.list_branches(uow, after=_id_in(after), limit=limit)

    return await call.read_page(query, work, key=lambda branch: [branch.id])


@router.post(
    "/{business_id}/tills",
    operation="tills_create",
    may="business.configure",
    status=201,
    response=Till,
    errors=(BranchNotFound, TillIdTaken, ReceiptPrefixTaken),
)
async def create_till(call: Call, command: CreateTill) -> Response:
    """Set up a till."""
    return await call.write(lambda uow: services.create_till(uow, command), status=201)


@router.get("/{business_id}/tills", operation="tills_list", may="business.read", response=Page[Till])
async def list_tills(call: Call, query: Paging) -> Response:
    """List tills."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[Till]:
        return await services.list_tills(uow, after=_id_in(after), limit=limit)

    return await call.read_page(query, work, key=lambda till: [till.id])


def _id_in(position: list[Any] | None) -> UUID | None:
    return UUID(position[0]) if position else None


def _check_person(call: Call) -> None:
    if call.signed_in_as.kind != "user":
        raise PersonNeeded


feature = Feature("businesses", "Businesses, their branches, tills and settings.", (me_router, router))
