"""Invitations over HTTP."""

from typing import Any
from uuid import UUID

from payme.features.identity.endpoints.auth import person_of
from payme.features.identity.errors import AlreadyMember, BeyondYourPower, InvitationNotFound, PersonNeeded
from payme.features.identity.schemas import AcceptInvitation, InvitationMade, InvitationView, Invite, Membership
from payme.features.identity.services import invitations
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Paging, Response, Router, signed_in

router = Router(prefix="/v1/businesses/{business_id}/invitations", tag="identity")
accepting = Router(prefix="/v1/invitations", tag="identity")


@router.post(
    operation="invitations_create",
    may="members.manage",
    status=201,
    response=InvitationMade,
    errors=(BeyondYourPower,),
)
async def create_invitation(call: Call, command: Invite) -> Response:
    """Invite somebody; the answer holds the token, which is shown this once."""
    return await call.write(lambda uow: invitations.create_invitation(uow, command), status=201)


@router.get(operation="invitations_list", may="members.manage", response=Page[InvitationView])
async def list_invitations(call: Call, query: Paging) -> Response:
    """List invitations, the newest first."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[InvitationView]:
        return await invitations.list_invitations(uow, before=UUID(after[0]) if after else None, limit=limit)

    return await call.read_page(query, work, key=lambda invitation: [invitation.id])


@router.delete(
    "/{invitation_id}",
    operation="invitations_revoke",
    may="members.manage",
    status=204,
    errors=(InvitationNotFound,),
)
async def revoke_invitation(call: Call, invitation_id: UUID) -> Response:
    """Close an invitation that nobody has taken up."""
    return await call.write(lambda uow: invitations.revoke_invitation(uow, invitation_id))


@accepting.post(
    "/accept",
    operation="invitations_accept",
    access=signed_in,
    response=Membership,
    errors=(InvitationNotFound, AlreadyMember, PersonNeeded),
)
async def accept_invitation(call: Call, command: AcceptInvitation) -> Response:
    """Take up an invitation; it works once."""
    person_of(call)
    return call.answer(await invitations.accept_invitation(call.database, command, actor=call.actor))
