"""Invitations. The token is stored as a hash; whoever takes the row from open to accepted has won."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from payme.features.identity.schemas import InvitationView
from payme.runtime.database import UnitOfWork

_LARGEST_ID = UUID(int=2**128 - 1)


async def insert_invitation(uow: UnitOfWork, invitation: InvitationView, *, token_hash: bytes) -> None:
    """Add an invitation."""
    await uow.execute(
        """-- identity.insert_invitation
        insert into invitations (business_id, id, token_hash, roles, label, invited_by, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        uow.tenant,
        invitation.id,
        token_hash,
        [role.value for role in invitation.roles],
        invitation.label,
        invitation.invited_by,
        invitation.created_at,
        invitation.expires_at,
    )


async def take_invitation(
    uow: UnitOfWork, token_hash: bytes, *, user_id: UUID, now: datetime
) -> tuple[UUID, Sequence[str]] | None:
    """Mark an open invitation as accepted and return its id and roles; None where it is not open, or somebody was faster."""
    row = await uow.fetchrow(
        """-- identity.take_invitation
        update invitations set accepted_by = $3, accepted_at = $4
        where business_id = $1 and token_hash = $2 and accepted_at is null and revoked_at is null and expires_at > $4
        returning id, roles
        """,
        uow.tenant,
        token_hash,
        user_id,
        now,
    )
    return (row["id"], row["roles"]) if row else None


async def revoke_invitation(uow: UnitOfWork, invitation_id: UUID, *, now: datetime) -> bool:
    """Close an open invitation; False where there is none."""
    count = await uow.execute(
        """-- identity.revoke_invitation
        update invitations set revoked_at = $3
        where business_id = $1 and id = $2 and accepted_at is null and revoked_at is null
        """,
        uow.tenant,
        invitation_id,
        now,
    )
    return bool(count)


async def list_invitations(uow: UnitOfWork, *, before: UUID | None, limit: int) -> list[InvitationView]:
    """Return invitations, the newest first, used and revoked ones included."""
    rows = await uow.fetch(
        """-- identity.list_invitations
        select id, roles, label, invited_by, created_at, expires_at, accepted_by, accepted_at, revoked_at from invitations
        where business_id = $1 and id < $2
        order by id desc
        limit $3
        """,
        uow.tenant,
        before or _LARGEST_ID,
        limit,
    )
    return [InvitationView.model_validate(dict(row)) for row in rows]
