"""Signing up and in, refreshing, signing out, and the list of places where one is signed in."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from payme.features.identity.endpoints.cookies import answer_with_cookies, refresh_token_from, without_cookies
from payme.features.identity.errors import (
    DeviceNeeded,
    EmailInvalid,
    IdentifierMissing,
    IdentifierTaken,
    LoginFailed,
    MemberNotFound,
    PersonNeeded,
    PhoneInvalid,
    PinLocked,
    ProofWrong,
    RefreshReused,
    SessionEnded,
    SessionNotFound,
)
from payme.features.identity.schemas import (
    CookieSession,
    LogIn,
    LogInByPin,
    RefreshTokens,
    SessionView,
    SignedIn,
    SignUp,
    TokensView,
)
from payme.features.identity.services import people, pins, sessions
from payme.features.identity.services.login_gate import TooManyFailures
from payme.features.identity.services.people import Visitor
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Principal, Response, Router, public, signed_in
from payme.runtime.http.errors import CsrfRefused
from payme.runtime.security import InvalidToken

router = Router(prefix="/v1/auth", tag="identity")
sessions_router = Router(prefix="/v1/sessions", tag="identity")
WithCookies = Annotated[bool, Query(description="Set the session's cookies instead of returning tokens")]
_NOTHING = RefreshTokens()


@router.post(
    "/signup",
    operation="auth_signup",
    access=public,
    status=201,
    response=SignedIn,
    budget="sign_in",
    errors=(IdentifierMissing, PhoneInvalid, EmailInvalid, IdentifierTaken),
)
async def sign_up(call: Call, command: SignUp) -> Response:
    """Sign up with a phone number or an e-mail address."""
    return call.answer(await people.sign_up(call.database, command, visitor=visitor_of(call)), 201)


@router.post(
    "/login",
    operation="auth_login",
    access=public,
    response=SignedIn | CookieSession,
    errors=(LoginFailed, TooManyFailures),
)
async def log_in(call: Call, command: LogIn, *, cookie: WithCookies = False) -> Response:
    """Log in by phone number or e-mail address; `?cookie=1` sets cookies instead of returning tokens."""
    found = await people.log_in(call.database, command, visitor=visitor_of(call))
    return answer_with_cookies(call, found) if cookie else call.answer(found)


@router.post(
    "/pin",
    operation="auth_pin",
    access=signed_in,
    response=SignedIn,
    budget="sign_in",
    errors=(DeviceNeeded, MemberNotFound, PinLocked, ProofWrong),
)
async def log_in_by_pin(call: Call, command: LogInByPin) -> Response:
    """Sign in at a registered device by PIN; the session is bound to the device and ends with it."""
    device = pins.device_of(call.signed_in_as)
    return call.answer(await pins.log_in_by_pin(call.database, command, device=device, visitor=visitor_of(call)))


@router.post(
    "/refresh",
    operation="auth_refresh",
    access=public,
    response=TokensView | CookieSession,
    errors=(InvalidToken, SessionEnded, RefreshReused, CsrfRefused),
)
async def refresh(call: Call, command: RefreshTokens = _NOTHING) -> Response:
    """Exchange a refresh token for new tokens; one that was used before ends the session."""
    token, from_cookie = refresh_token_from(call, command.refresh_token)
    tokens = await sessions.refresh(call.database, token)
    return answer_with_cookies(call, tokens) if from_cookie else call.answer(tokens)


@router.post("/logout", operation="auth_logout", access=signed_in, status=204, errors=(PersonNeeded, SessionNotFound))
async def log_out(call: Call) -> Response:
    """End the session that this request belongs to."""
    person = person_of(call)
    return without_cookies(call, await _end(call, UUID(person.session), reason="logout"))


@sessions_router.get(operation="sessions_list", access=signed_in, response=list[SessionView], errors=(PersonNeeded,))
async def list_sessions(call: Call) -> Response:
    """List where you are signed in, the newest first."""
    person = person_of(call)
    return await call.read(lambda uow: sessions.list_sessions(uow, user_id=person.id, current=UUID(person.session)))


@sessions_router.delete(
    "/{session_id}", operation="sessions_end", access=signed_in, status=204, errors=(PersonNeeded, SessionNotFound)
)
async def end_session(call: Call, session_id: UUID) -> Response:
    """End one of your sessions."""
    return await _end(call, session_id, reason="ended")


def visitor_of(call: Call) -> Visitor:
    """Return from where a request comes."""
    return Visitor(call.client_address, call.request.headers.get("user-agent", ""))


def person_of(call: Call) -> Principal:
    """Return the person who is signed in. Raises: PersonNeeded for an API key."""
    principal = call.signed_in_as
    if principal.kind != "user":
        raise PersonNeeded
    return principal


async def _end(call: Call, session_id: UUID, *, reason: str) -> Response:
    person = person_of(call)

    async def work(uow: UnitOfWork) -> None:
        await sessions.end_session(uow, session_id, user_id=person.id, reason=reason)

    return await call.write(work)
