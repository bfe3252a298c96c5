"""Signed tokens: JWT with HS256, one kind of header, two live secrets at most. What the claims mean is not known here.

Invariant: a token is read only with the algorithm and the claims it must have; nothing in it can name a key of its own.
The same claims signed with the same secret are the same bytes.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import jwt

from payme.kit.errors import PaymeError

ALGORITHM: Final = "HS256"
_REQUIRED: Final = ("iss", "aud", "typ", "sub", "iat", "nbf", "exp", "jti")
_HEADER: Final = frozenset({"alg", "typ", "kid"})


class TokenRefused(PaymeError):
    """The token is not one of ours, or not one for this use."""


class TokenExpired(TokenRefused):
    """The token was good once."""


class TokenSigner:
    """Signs with the present secret and reads what that or the previous one signed."""

    def __init__(self, secret: str, *, previous: str | None = None, issuer: str = "payme", audience: str = "payme-api") -> None:
        self.issuer, self.audience = issuer, audience
        self._kid = key_id_of(secret)
        self._secrets = {key_id_of(each): each for each in (previous, secret) if each}

    def sign(self, kind: str, claims: Mapping[str, Any], *, issued_at: datetime, expires_at: datetime) -> str:
        """Return a token of a kind (`typ`) with `sub`, `jti` and whatever else the claims hold; times count whole seconds."""
        issued = int(issued_at.timestamp())
        document = {
            "iss": self.issuer,
            "aud": self.audience,
            "typ": kind,
            **claims,
            "iat": issued,
            "nbf": issued,
            "exp": int(expires_at.timestamp()),
        }
        return jwt.encode(document, self._secrets[self._kid], ALGORITHM, {"kid": self._kid})

    def read(self, kind: str, token: str, *, now: datetime) -> dict[str, Any]:
        """Return the claims of a token of this kind. Raises: TokenExpired, TokenRefused."""
        try:
            claims = jwt.decode(
                token,
                self._secret_for(token),
                algorithms=[ALGORITHM],
                audience=self.audience,
                issuer=self.issuer,
                options={
                    "require": list(_REQUIRED),
                    "strict_aud": True,
                    # The clock is ours, so the times are compared below.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise TokenRefused(type(error).__name__) from None
        if claims["typ"] != kind:
            raise TokenRefused("typ")
        _check_times(claims, now.timestamp())
        return claims

    def _secret_for(self, token: str) -> str:
        header = jwt.get_unverified_header(token)
        if set(header) != _HEADER or header["alg"] != ALGORITHM or header["typ"] != "JWT":
            raise TokenRefused("header")
        secret = self._secrets.get(str(header["kid"]))
        if secret is None:
            raise TokenRefused("kid")
        return secret


def key_id_of(secret: str) -> str:
    """Return the public name of a secret; it tells nothing about it."""
    return hashlib.sha256(b"payme.kid\n" + secret.encode()).hexdigest()[:12]


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    times = [claims[name] for name in ("iat", "nbf", "exp")]
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in times):
        raise TokenRefused("times")
    issued, not_before, expires = times
    # Another machine of ours may be a moment ahead; it never gives a token more life.
    if max(issued, not_before) > now + 5:
        raise TokenRefused("nbf")
    if expires <= now:
        raise TokenExpired("exp")
