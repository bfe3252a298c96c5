"""The members of a business over HTTP."""

from typing import Any
from uuid import UUID

from payme.features.identity.errors import BeyondYourPower, LastOwner, MemberNotFound, PinInvalid
from payme.features.identity.schemas import ChangeMember, MemberView, SetPin
from payme.features.identity.services import members
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}/members", tag="identity")


@router.get(operation="members_list", may="members.read", response=Page[MemberView])
async def list_members(call: Call, query: Paging) -> Response:
    """List who works in the business."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[MemberView]:
        return await members.list_members(uow, after=UUID(after[0]) if after else None, limit=limit)

    return await call.read_page(query, work, key=lambda member: [member.user_id])


@router.get("/{user_id}", operation="members_get", may="members.read", response=MemberView, errors=(MemberNotFound,))
async def get_member(call: Call, user_id: UUID) -> Response:
    """Read one member."""
    return await call.read(lambda uow: members.get_member(uow, user_id))


@router.patch(
    "/{user_id}",
    operation="members_change",
    may="members.manage",
    response=MemberView,
    errors=(MemberNotFound, BeyondYourPower, LastOwner),
)
async def change_member(call: Call, user_id: UUID, command: ChangeMember) -> Response:
    """Change what somebody is called, or what they are."""
    return await call.update(
        lambda uow: members.change_member(uow, user_id, command=command),
        rev=lambda uow: members.lock_member_rev(uow, user_id),
    )


@router.delete(
    "/{user_id}",
    operation="members_remove",
    may="members.manage",
    status=204,
    errors=(MemberNotFound, BeyondYourPower, LastOwner),
)
async def remove_member(call: Call, user_id: UUID) -> Response:
    """Take somebody out of the business."""
    return await call.write(lambda uow: members.remove_member(uow, user_id))


@router.put(
    "/{user_id}/pin",
    operation="members_set_pin",
    may="members.manage",
    status=204,
    errors=(MemberNotFound, BeyondYourPower, PinInvalid),
)
async def set_pin(call: Call, user_id: UUID, command: SetPin) -> Response:
    """Set the digits that a member signs in with at a till."""
    pin_hash = await members.hash_pin(call.database, command.pin)
    return await call.write(lambda uow: members.set_member_pin(uow, user_id, pin_hash=pin_hash))
