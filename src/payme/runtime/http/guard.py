"""The way in: credentials, CSRF, rate limit, part in the business, permission, in that order, before any body is read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from structlog.contextvars import bind_contextvars

from payme.kit.errors import Unauthenticated
from payme.runtime.http.access import Credentials, Principal, credentials_from
from payme.runtime.http.errors import AuthenticationRequired, BusinessNotFound, CsrfRefused, PermissionMissing

if TYPE_CHECKING:
    from starlette.requests import Request

    from payme.runtime.http.call import Call
    from payme.runtime.http.options import HttpOptions

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def admit(call: Call) -> None:
    """Find out who calls and whether they may; the call knows its actor afterwards.

    Raises: AuthenticationRequired, CsrfRefused, RateLimited, BusinessNotFound, PermissionMissing.
    """
    access = call.operation.access
    if access.kind == "public":
        await _spend_anonymous(call)
        return
    principal = call.principal = await _principal(call)
    call.actor = principal.as_actor()
    if call.operation.budget is not None:
        await call.spend(call.operation.budget or "principal", principal.family)
    if "business_id" in call.operation.parameters:
        await _enter_business(call, principal)
    bind_contextvars(actor=str(principal.id), actor_kind=principal.kind, business_id=call.tenant and str(call.tenant))
    if access.kind == "permission" and not call.actor.may(access.permission):
        raise PermissionMissing(permission=access.permission)


async def _principal(call: Call) -> Principal:
    request, options = call.request, call.edge.options
    credentials = credentials_from(request.headers, request.cookies, cookie_name=options.session_cookie)
    try:
        if credentials is None or not credentials.token:
            raise AuthenticationRequired
        # Guesses that cost a look-up end where the address has used up what anonymous calls may.
        principal = await call.edge.authenticator.authenticate(
            credentials, before_look_up=partial(call.check_budget, "anonymous", call.client_address)
        )
    except Unauthenticated:
        # Guesses are counted where anonymous calls are.
        await _spend_anonymous(call)
        raise
    if credentials.source == "cookie" and request.method not in _SAFE:
        check_csrf(call, credentials, session=principal.session)
    return principal


async def _spend_anonymous(call: Call) -> None:
    if call.operation.budget is not None:
        await call.spend(call.operation.budget or "anonymous", call.client_address)


async def _enter_business(call: Call, principal: Principal) -> None:
    try:
        business_id = UUID(call.request.path_params["business_id"])
    except ValueError:
        raise BusinessNotFound from None
    if principal.business_id is not None and principal.business_id != business_id:
        raise BusinessNotFound
    actor = await call.edge.authenticator.actor_in(principal, business_id)
    if actor is None:
        raise BusinessNotFound
    call.within(business_id, actor)


def check_csrf(call: Call, credentials: Credentials, *, session: str) -> None:
    """Refuse a cookie session's change that our own pages did not ask for.

    The browser must name our origin, and the header must repeat the token's cookie, which is bound to the session.
    Raises: CsrfRefused.
    """
    request, options = call.request, call.edge.options
    if not is_own_origin(request, options):
        raise CsrfRefused
    header = request.headers.get("x-csrf-token", "")
    cookie = request.cookies.get(options.csrf_cookie, "")
    if not header or header != cookie or not call.edge.csrf.matches(session or credentials.token, header):
        raise CsrfRefused


def is_own_origin(request: Request, options: HttpOptions) -> bool:
    """Say whether the browser names one of our own pages as the one that asks."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin is None:
        return site == "same-origin"
    if origin in options.allowed_origins:
        return True
    if site not in {None, "same-origin"}:
        return False
    ours = {urlsplit(options.public_url).netloc, request.headers.get("host", "")}
    try:
        return origin != "null" and urlsplit(origin).netloc in ours
    except ValueError:
        return False
