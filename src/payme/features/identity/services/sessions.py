"""Sessions: opened by a login, kept by rotating refresh tokens, ended by their person or by the reuse of an old token.

Invariant: both tokens of a generation are a function of the session's row, so that a repeated refresh gets the same bytes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import structlog

from payme.features.identity.errors import RefreshReused, SessionEnded, SessionNotFound
from payme.features.identity.repository import sessions
from payme.features.identity.repository.sessions import SessionRow
from payme.features.identity.rules import Refresh, worth_of_refresh
from payme.features.identity.schemas import SessionView, SignedIn, TokensView, UserView
from payme.features.identity.services.tools import Identity, identity_of
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.security import RefreshClaims


@dataclass(frozen=True, slots=True)
class AtDevice:
    """The device that a session is opened at, its business, and how long the session lives."""

    id: UUID
    business_id: UUID
    life: timedelta


_LONGEST_LABEL = 120
_MOST_SESSIONS = 200
_log = structlog.get_logger("payme.security")


async def open_session(
    uow: UnitOfWork, user: UserView, *, version: int, label: str, at: AtDevice | None = None
) -> SignedIn:
    """Open a session for a person, bound to a device where it is opened `at` one, and return its first tokens."""
    identity, session_id = uow.tool(Identity), new_id()
    expires_at = uow.now + (at.life if at else identity.options.session_life)
    await sessions.insert_session(
        uow, session_id, user_id=user.id, expires_at=expires_at, label=_shown(label), now=uow.now
    )
    if at is not None:
        await sessions.bind_session(uow, session_id, device_id=at.id, business_id=at.business_id)
    session = SessionRow(
        id=session_id,
        user_id=user.id,
        name=user.name,
        session_version=version,
        status="active",
        generation=1,
        refreshed_at=uow.now,
        expires_at=expires_at,
        revoked_at=None,
    )
    tokens = mint(identity, session, generation=1, refreshed_at=uow.now)
    return SignedIn(user=user, **tokens.model_dump())


async def refresh(database: Database, refresh_token: str) -> TokensView:
    """Exchange a refresh token for the tokens of the next generation.

    The same token again within the grace gets the same answer. An older one ends the session, which stays ended although
    the caller is refused. Raises: InvalidToken, SessionEnded, RefreshReused.
    """
    identity, now = identity_of(database), database.clock.now()
    claims = identity.tokens.read_refresh(refresh_token, now=now)

    async def work(uow: UnitOfWork) -> tuple[Refresh, TokensView | None]:
        session = await sessions.lock_session(uow, claims.session_id)
        if session is None:
            return Refresh.ENDED, None
        worth = worth_of_refresh(
            presented=_generation_of(claims, session),
            generation=session.generation,
            refreshed_at=session.refreshed_at,
            now=now,
            grace=identity.options.refresh_grace,
            is_open=session.is_open(now) and session.user_id == claims.user_id,
        )
        return worth, await _answer(uow, session, worth=worth)

    worth, tokens = await database.run(work)
    if tokens is not None:
        return tokens
    _log.warning("security.refresh_refused", reason=worth.value, session_id=str(claims.session_id))
    raise RefreshReused if worth is Refresh.REUSED else SessionEnded


async def end_session(uow: UnitOfWork, session_id: UUID, *, user_id: UUID, reason: str = "ended") -> None:
    """End one of the person's sessions; every process knows within a second. Raises: SessionNotFound."""
    if not await sessions.revoke_session(uow, session_id, user_id=user_id, reason=reason, now=uow.now):
        raise SessionNotFound
    _log.info("security.session_ended", session_id=str(session_id), user_id=str(user_id), reason=reason)


async def list_sessions(uow: UnitOfWork, *, user_id: UUID, current: UUID | None) -> list[SessionView]:
    """Return where the person is signed in, the newest first."""
    found = await sessions.list_sessions(uow, user_id, now=uow.now, limit=_MOST_SESSIONS)
    return [each.model_copy(update={"is_current": each.id == current}) for each in found]


def mint(identity: Identity, session: SessionRow, *, generation: int, refreshed_at: datetime) -> TokensView:
    """Return the tokens of one generation of a session; the same ones whenever it is asked."""
    life = identity.options.access_life
    access = identity.tokens.sign_access(
        user_id=session.user_id,
        session_id=session.id,
        session_version=session.session_version,
        now=refreshed_at,
        seconds=int(life.total_seconds()),
    )
    refresh_token = identity.tokens.sign_refresh(
        user_id=session.user_id,
        session_id=session.id,
        token_id=_rotation_id(session.id, generation),
        now=refreshed_at,
        seconds=int((session.expires_at - refreshed_at).total_seconds()),
    )
    return TokensView(access_token=access, refresh_token=refresh_token, expires_in=int(life.total_seconds()))


async def _answer(uow: UnitOfWork, session: SessionRow, *, worth: Refresh) -> TokensView | None:
    identity = uow.tool(Identity)
    if worth is Refresh.ROTATE:
        await sessions.rotate_session(uow, session.id, refreshed_at=uow.now)
        return mint(identity, session, generation=session.generation + 1, refreshed_at=uow.now)
    if worth is Refresh.REPEAT:
        return mint(identity, session, generation=session.generation, refreshed_at=session.refreshed_at)
    if worth is Refresh.REUSED:
        await sessions.revoke_session(uow, session.id, user_id=session.user_id, reason="refresh_reused", now=uow.now)
    return None


def _generation_of(claims: RefreshClaims, session: SessionRow) -> int:
    """Return which generation a signed token is of; of the older ones it does not matter which."""
    recent = (session.generation, session.generation - 1)
    return next((each for each in recent if claims.token_id == _rotation_id(session.id, each)), 0)


def _shown(label: str) -> str:
    return "".join(letter for letter in label if letter.isprintable())[:_LONGEST_LABEL]


def _rotation_id(session_id: UUID, generation: int) -> UUID:
    return uuid5(session_id, f"generation {generation}")
