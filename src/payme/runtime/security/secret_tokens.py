"""Random tokens that are shown once and stored as a hash: API keys, invitations, callback paths, refresh secrets.

Invariant: what is stored cannot be turned back, and comparing takes the same time wherever two tokens differ.
"""

import hashlib
import hmac
import secrets
from typing import Final

TOKEN_BYTES: Final = 32


def new_secret_token(prefix: str = "", *, size: int = TOKEN_BYTES) -> str:
    """Return a new token of `size` random bytes in URL-safe letters; at least 16 bytes."""
    assert size >= 16, "a token that can be guessed is none"
    return prefix + secrets.token_urlsafe(size)


def hash_token(token: str) -> bytes:
    """Return the 32 bytes to store and look up; no salt and no stretching, because the token itself is random."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def same_secret(left: str | bytes, right: str | bytes) -> bool:
    """Tell in constant time whether two secrets are equal."""
    pair = [part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part for part in (left, right)]
    return hmac.compare_digest(*pair)
