"""Access and refresh tokens as JWTs: made here, and read here with everything that must be checked.

HS256 with two live secrets told apart by `kid`. Not here: whether the session still stands, which every request asks as well.
Invariant: a token is accepted only with our algorithm, a known `kid`, no header that points to another key, all claims
present and of the right type, and the right kind; the reason of a refusal is never told.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import jwt
from jwt.types import Options

from payme.runtime.security.errors import InvalidToken
from payme.runtime.security.keys import derive_key

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "payme-api"
ACCESS: Final = "access"
REFRESH: Final = "refresh"
ALLOWED_HEADERS: Final = {"alg", "kid", "typ"}
REQUIRED: Final = ["iss", "aud", "typ", "sub", "sid", "iat", "nbf", "exp", "jti"]
# The clock is passed in, so the library's own looks at the time are off and ours follow.
OPTIONS: Final[Options] = {
    "require": REQUIRED,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "strict_aud": True,
}
LONGEST_TOKEN: Final = 4096
CLOCK_SKEW_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says: who, in which session, and in which version of it."""

    user_id: UUID
    session_id: UUID
    session_version: int
    token_id: UUID
    expires_at: datetime
    business_id: UUID | None = None
    device_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """What a refresh token says: who, in which session, and which rotation of it."""

    user_id: UUID
    session_id: UUID
    token_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str
    secret: bytes


class TokenSigner:
    """Signs with the current secret and verifies with the current and the previous one."""

    def __init__(self, secret: str, previous: str | None = None, *, issuer: str = "payme") -> None:
        self._issuer = issuer
        self.take(secret, previous)

    def take(self, secret: str, previous: str | None = None) -> None:
        """Sign with this secret from now on; what neither it nor the previous one has signed is no longer accepted."""
        self._current = _key(secret)
        known = (self._current, _key(previous)) if previous else (self._current,)
        self._keys = {key.kid: key for key in known}

    def sign_access(
        self,
        *,
        user_id: UUID,
        session_id: UUID,
        session_version: int,
        now: datetime,
        seconds: int,
        bound_to: Mapping[str, UUID] | None = None,
    ) -> str:
        """Return an access token; `bound_to` may name a `business_id` and a `device_id`."""
        assert set(bound_to or {}) <= {"business_id", "device_id"}, "a token is bound to a business and a device"
        claims: dict[str, Any] = {
            "sub": str(user_id),
            "sid": str(session_id),
            "sv": session_version,
            # The same session at the same instant gets the same token, so that a repeated refresh repeats its answer.
            "jti": str(uuid5(session_id, f"{ACCESS} {session_version} {now.astimezone(UTC).isoformat()}")),
        }
        claims.update({name: str(value) for name, value in (bound_to or {}).items()})
        return self._sign(ACCESS, claims, now=now, seconds=seconds)

    def sign_refresh(self, *, user_id: UUID, session_id: UUID, token_id: UUID, now: datetime, seconds: int) -> str:
        """Return a refresh token whose `token_id` is the rotation that it stands for."""
        claims = {"sub": str(user_id), "sid": str(session_id), "jti": str(token_id)}
        return self._sign(REFRESH, claims, now=now, seconds=seconds)

    def read_access(self, token: str, *, now: datetime) -> AccessClaims:
        """Return the claims of a valid access token. Raises: InvalidToken."""
        claims = self._read(token, ACCESS, now=now)
        version = claims.get("sv")
        if not isinstance(version, int) or isinstance(version, bool):
            raise InvalidToken
        return AccessClaims(
            user_id=_uuid(claims["sub"]),
            session_id=_uuid(claims["sid"]),
            session_version=version,
            token_id=_uuid(claims["jti"]),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            business_id=_optional(_uuid, claims.get("business_id")),
            device_id=_optional(_uuid, claims.get("device_id")),
        )

    def read_refresh(self, token: str, *, now: datetime) -> RefreshClaims:
        """Return the claims of a valid refresh token. Raises: InvalidToken."""
        claims = self._read(token, REFRESH, now=now)
        return RefreshClaims(
            user_id=_uuid(claims["sub"]),
            session_id=_uuid(claims["sid"]),
            token_id=_uuid(claims["jti"]),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )

    def _sign(self, kind: str, claims: Mapping[str, Any], *, now: datetime, seconds: int) -> str:
        issued = int(now.timestamp())
        whole = {
            **claims,
            "iss": self._issuer,
            "aud": AUDIENCE,
            "typ": kind,
            "iat": issued,
            "nbf": issued,
            "exp": int((now + timedelta(seconds=seconds)).timestamp()),
        }
        key = self._current
        return jwt.encode(whole, key.secret, algorithm=ALGORITHM, headers={"kid": key.kid})

    def _read(self, token: str, kind: str, *, now: datetime) -> dict[str, Any]:
        if len(token) > LONGEST_TOKEN:
            raise InvalidToken
        try:
            key = self._key_of(jwt.get_unverified_header(token))
            claims = jwt.decode(
                token,
                key.secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                options=OPTIONS,
            )
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise InvalidToken from None
        _check_times(claims, now)
        if claims["typ"] != kind:
            raise InvalidToken
        return claims

    def _key_of(self, header: Mapping[str, Any]) -> _Key:
        kid = header.get("kid")
        if set(header) - ALLOWED_HEADERS or header.get("typ", "JWT") != "JWT" or not isinstance(kid, str):
            raise InvalidToken
        key = self._keys.get(kid)
        if key is None:
            raise InvalidToken
        return key


def _key(secret: str) -> _Key:
    """Return the signing key of a secret; its id is a fingerprint that tells nothing about it."""
    kid = hashlib.sha256(derive_key(secret.encode(), "jwt key id")).hexdigest()[:12]
    return _Key(kid, derive_key(secret.encode(), "jwt signature"))


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    times = [claims["iat"], claims["nbf"], claims["exp"]]
    if any(not isinstance(each, int) or isinstance(each, bool) for each in times):
        raise InvalidToken
    issued, begins, ends = times
    moment = now.timestamp()
    # Another machine's clock may be a little ahead of ours; an expired token is expired all the same.
    if max(issued, begins) > moment + CLOCK_SKEW_SECONDS or ends <= moment or ends <= issued:
        raise InvalidToken


def _uuid(value: object) -> UUID:
    if not isinstance(value, str):
        raise InvalidToken
    try:
        return UUID(value)
    except ValueError:
        raise InvalidToken from None


def _optional(read: Callable[[object], UUID], value: object) -> UUID | None:
    return None if value is None else read(value)
