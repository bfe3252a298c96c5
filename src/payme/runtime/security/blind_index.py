"""Find an encrypted value by equality without decrypting any: a keyed fingerprint beside it.

Invariant: equal values have equal fingerprints within one table, column and business, and unrelated ones elsewhere, so that
a dump does not tell that two shops have the same customer.
"""

import hashlib
import hmac
import unicodedata
from typing import Final
from uuid import UUID

from payme.runtime.security.keys import derive_key

INDEX_BYTES: Final = 16


class BlindIndex:
    """Fingerprints of 128 bits by HMAC-SHA256, with a key of its own."""

    def __init__(self, key: bytes) -> None:
        self._key = derive_key(key, "blind index")

    def fingerprint(self, value: str, *, table: str, column: str, business_id: UUID | None) -> bytes:
        """Return 16 bytes for a value; normalise phone numbers before (`normalise_msisdn`), case and width are done here."""
        normal = unicodedata.normalize("NFKC", value).strip().casefold()
        parts = (table, column, str(business_id) if business_id else "", normal)
        message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        return hmac.new(self._key, message, hashlib.sha256).digest()[:INDEX_BYTES]
