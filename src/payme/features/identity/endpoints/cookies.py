"""The three cookies of a browser's session: the access token, the refresh token, and the CSRF token that scripts may read.

Invariant: no script sees a token, and no other site can have one sent with a change.
"""

from typing import Final

from payme.features.identity.schemas import CookieSession, SignedIn, TokensView
from payme.features.identity.services.tools import identity_of
from payme.runtime.http import Call, Response
from payme.runtime.http.errors import CsrfRefused
from payme.runtime.http.guard import is_own_origin
from payme.runtime.security import InvalidToken, same_secret

_REFRESH: Final = "payme_refresh"
_HOST: Final = "__Host-"


def refresh_token_from(call: Call, sent: str | None) -> tuple[str, bool]:
    """Return the refresh token of a request and whether it came as a cookie, whose CSRF token then has been checked.

    Raises: InvalidToken, CsrfRefused.
    """
    if sent:
        return sent, False
    token = call.request.cookies.get(_refresh_cookie(call))
    if not token:
        raise InvalidToken
    _check_csrf(call, token)
    return token, True


def answer_with_cookies(call: Call, tokens: SignedIn | TokensView, status: int = 200) -> Response:
    """Answer with the cookies of a session instead of its tokens."""
    identity, now = identity_of(call.database), call.database.clock.now()
    claims = identity.tokens.read_refresh(tokens.refresh_token, now=now)
    csrf = identity.csrf.make(str(claims.session_id))
    user = tokens.user if isinstance(tokens, SignedIn) else None
    response = call.answer(CookieSession(user=user, expires_in=tokens.expires_in, csrf_token=csrf), status)
    lasting = int((claims.expires_at - now).total_seconds())
    _set(call, response, name=call.edge.options.session_cookie, value=tokens.access_token, seconds=tokens.expires_in)
    _set(call, response, name=_refresh_cookie(call), value=tokens.refresh_token, seconds=lasting)
    _set(call, response, name=call.edge.options.csrf_cookie, value=csrf, seconds=lasting)
    return response


def without_cookies(call: Call, response: Response) -> Response:
    """Take a session's cookies back."""
    for name in (call.edge.options.session_cookie, _refresh_cookie(call), call.edge.options.csrf_cookie):
        _set(call, response, name=name, value="", seconds=0)
    return response


def _set(call: Call, response: Response, *, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=call.edge.options.is_https or name.startswith(_HOST),
        httponly=name != call.edge.options.csrf_cookie,
        samesite="lax",
    )


def _refresh_cookie(call: Call) -> str:
    return _HOST + _REFRESH if call.edge.options.session_cookie.startswith(_HOST) else _REFRESH


def _check_csrf(call: Call, token: str) -> None:
    identity = identity_of(call.database)
    claims = identity.tokens.read_refresh(token, now=call.database.clock.now())
    header = call.request.headers.get("x-csrf-token", "")
    cookie = call.request.cookies.get(call.edge.options.csrf_cookie, "")
    if not is_own_origin(call.request, call.edge.options):
        raise CsrfRefused
    if not header or not same_secret(header, cookie) or not identity.csrf.matches(str(claims.session_id), header):
        raise CsrfRefused
