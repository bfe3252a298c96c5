"""Invitations: made by a member with the power to, taken up once by whoever holds the token and is signed in."""

from uuid import UUID

from payme.features.audit import record
from payme.features.identity.enums import Role
from payme.features.identity.errors import InvitationNotFound
from payme.features.identity.repository import invitations, users
from payme.features.identity.schemas import AcceptInvitation, InvitationMade, InvitationView, Invite, Membership
from payme.features.identity.services.members import add_member, check_power
from payme.features.identity.services.secrets import business_of, new_business_secret
from payme.features.identity.services.tools import Identity
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.security import hash_token

_PREFIX = "inv_"
_LONGEST_NAME = 80


async def create_invitation(uow: UnitOfWork, command: Invite) -> InvitationMade:
    """Make an invitation; its token is in the answer and nowhere else. Raises: BeyondYourPower."""
    check_power(uow, command.roles)
    token = new_business_secret(_PREFIX, uow.tenant)
    made = InvitationMade(
        id=new_id(),
        roles=command.roles,
        label=command.label,
        invited_by=uow.actor.id,
        created_at=uow.now,
        expires_at=uow.now + uow.tool(Identity).options.invitation_life,
        token=token,
    )
    await invitations.insert_invitation(uow, made, token_hash=hash_token(token))
    record(uow, "invitation.created", made.id, roles=sorted(command.roles))
    return made


async def accept_invitation(database: Database, command: AcceptInvitation, *, actor: Actor) -> Membership:
    """Make the person who is signed in a member, as the invitation says; of two at once, one succeeds.

    Raises: InvitationNotFound for a token that is unknown, used, revoked or expired; AlreadyMember.
    """
    business_id = business_of(command.token, _PREFIX)
    if business_id is None:
        raise InvitationNotFound

    async def work(uow: UnitOfWork) -> Membership:
        taken = await invitations.take_invitation(uow, hash_token(command.token), user_id=actor.id, now=uow.now)
        if taken is None:
            raise InvitationNotFound
        invitation_id, roles = taken
        user = await users.get_user(uow, actor.id)
        name = command.display_name or user.name[:_LONGEST_NAME]
        await add_member(uow, actor.id, display_name=name, roles=[Role(role) for role in roles])
        record(uow, "invitation.accepted", invitation_id, user_id=actor.id)
        return Membership(business_id=uow.tenant, roles=[Role(role) for role in roles])

    return await database.run(work, business_id=business_id, actor=actor)


async def revoke_invitation(uow: UnitOfWork, invitation_id: UUID) -> None:
    """Close an invitation that nobody has taken up. Raises: InvitationNotFound."""
    if not await invitations.revoke_invitation(uow, invitation_id, now=uow.now):
        raise InvitationNotFound
    record(uow, "invitation.revoked", invitation_id)


async def list_invitations(uow: UnitOfWork, *, before: UUID | None, limit: int) -> list[InvitationView]:
    """Return invitations, the newest first."""
    return await invitations.list_invitations(uow, before=before, limit=limit)
