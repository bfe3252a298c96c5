"""Sessions of people, and the notice that goes to every process when something was revoked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from payme.features.identity.schemas import SessionView
from payme.runtime.database import UnitOfWork

REVOCATIONS: Final = "payme_revocations"
"""The channel on which a process hears what it must forget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session together with what its person's tokens depend on."""

    id: UUID
    user_id: UUID
    name: str
    session_version: int
    status: str
    generation: int
    refreshed_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    device_id: UUID | None = None
    opened_in: UUID | None = None

    def is_open(self, now: datetime) -> bool:
        """Say whether tokens of this session are good at an instant."""
        return self.revoked_at is None and self.expires_at > now and self.status == "active"


async def insert_session(
    uow: UnitOfWork, session_id: UUID, *, user_id: UUID, expires_at: datetime, label: str, now: datetime
) -> None:
    """Open a session at generation 1."""
    await uow.execute(
        """-- identity.insert_session
        insert into sessions (id, user_id, refreshed_at, created_at, expires_at, last_seen_at, label)
        values ($1, $2, $3, $3, $4, $3, $5)
        """,
        session_id,
        user_id,
        now,
        expires_at,
        label,
    )


async def bind_session(uow: UnitOfWork, session_id: UUID, *, device_id: UUID, business_id: UUID) -> None:
    """Bind a session to the device that it was opened at, and to its business."""
    await uow.execute(
        """-- identity.bind_session
        update sessions set device_id = $2, opened_in = $3 where id = $1
        """,
        session_id,
        device_id,
        business_id,
    )


async def find_session(uow: UnitOfWork, session_id: UUID) -> SessionRow | None:
    """Return a session, open or not."""
    row = await uow.fetchrow(
        """-- identity.find_session
        select s.id, s.user_id, u.name, u.session_version, u.status, s.generation, s.refreshed_at, s.expires_at, s.revoked_at,
          s.device_id, s.opened_in
        from sessions s join users u on u.id = s.user_id
        where s.id = $1
        """,
        session_id,
    )
    return SessionRow(**dict(row)) if row else None


async def lock_session(uow: UnitOfWork, session_id: UUID) -> SessionRow | None:
    """Return a session and hold its row."""
    row = await uow.fetchrow(
        """-- identity.lock_session
        select s.id, s.user_id, u.name, u.session_version, u.status, s.generation, s.refreshed_at, s.expires_at, s.revoked_at,
          s.device_id, s.opened_in
        from sessions s join users u on u.id = s.user_id
        where s.id = $1
        for update of s
        """,
        session_id,
    )
    return SessionRow(**dict(row)) if row else None


async def rotate_session(uow: UnitOfWork, session_id: UUID, *, refreshed_at: datetime) -> None:
    """Move a locked session to its next generation."""
    await uow.execute(
        """-- identity.rotate_session
        update sessions set generation = generation + 1, refreshed_at = $2, last_seen_at = $2 where id = $1
        """,
        session_id,
        refreshed_at,
    )


async def revoke_session(uow: UnitOfWork, session_id: UUID, *, user_id: UUID, reason: str, now: datetime) -> bool:
    """End a session of this person and tell every process; False where there is none that is open."""
    count = await uow.execute(
        """-- identity.revoke_session
        update sessions set revoked_at = $3, revoked_reason = $4 where id = $1 and user_id = $2 and revoked_at is null
        """,
        session_id,
        user_id,
        now,
        reason,
    )
    if count:
        await tell(uow, f"session:{session_id}")
    return bool(count)


async def list_sessions(uow: UnitOfWork, user_id: UUID, *, now: datetime, limit: int) -> list[SessionView]:
    """Return the person's open sessions, the newest first."""
    rows = await uow.fetch(
        """-- identity.list_sessions
        select id, label, created_at, last_seen_at, expires_at from sessions
        where user_id = $1 and revoked_at is null and expires_at > $2
        order by created_at desc
        limit $3
        """,
        user_id,
        now,
        limit,
    )
    return [SessionView.model_validate(dict(row)) for row in rows]


async def tell(uow: UnitOfWork, subject: str) -> None:
    """Have every process forget what it remembers of a subject, in the moment this transaction commits."""
    await uow.execute(
        """-- identity.tell
        select pg_notify('payme_revocations', $1)
        """,
        subject,
    )
