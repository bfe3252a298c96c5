"""CSRF tokens for cookie sessions: a random part and its HMAC, bound to one session.

The double-submit check alone would accept any pair that an attacker can plant; the HMAC makes a foreign session's token worthless.
Invariant: a token is valid for the session that it was made for and for no other.
"""

import hashlib
import hmac
import secrets
from typing import Final

from payme.runtime.security.keys import derive_key
from payme.runtime.security.secret_tokens import same_secret

RANDOM_BYTES: Final = 16


class CsrfTokens:
    """Makes and checks the tokens of one deployment, under the current secret and the one before."""

    def __init__(self, secret: str, previous: str | None = None) -> None:
        self.take(secret, previous)

    def take(self, secret: str, previous: str | None = None) -> None:
        """Make tokens under this secret from now on; those of the previous one stay valid."""
        self._keys = [derive_key(each.encode(), "csrf") for each in (secret, previous) if each]

    def make(self, session: str) -> str:
        """Return a new token for a session."""
        nonce = secrets.token_urlsafe(RANDOM_BYTES)
        return f"{nonce}.{_sign(self._keys[0], session, nonce=nonce)}"

    def matches(self, session: str, token: str) -> bool:
        """Tell whether a token was made for this session; that cookie and header agree is checked at the edge."""
        nonce, _, signature = token.partition(".")
        found = [same_secret(_sign(key, session, nonce=nonce), signature) for key in self._keys]
        return any(found)


def _sign(key: bytes, session: str, *, nonce: str) -> str:
    message = f"{len(session)}:{session}:{nonce}".encode("utf-8", "surrogatepass")
    return hmac.new(key, message, hashlib.sha256).hexdigest()
