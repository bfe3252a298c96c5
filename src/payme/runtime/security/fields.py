"""Encryption of single fields, such as a phone number, so that a dump of the database shows none.

AES-256-GCM with a random nonce. What is authenticated along is where the value stands: scheme, table, column, business, row
and key id, so that a ciphertext moved anywhere else cannot be read. Envelope: version (1 byte), length of the key id
(1 byte), key id, nonce (12 bytes), ciphertext with tag (16 bytes).
Invariant: decrypting gives back exactly what was encrypted in that place, or raises.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from payme.runtime.security.errors import UnreadableField
from payme.runtime.security.keys import Keyring, derive_key

VERSION: Final = 1
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
SCHEME: Final = "payme-field-1"


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """Where an encrypted value stands; a table without a tenant has no business."""

    table: str
    column: str
    business_id: UUID | None
    row_id: UUID

    def bound_to(self, key_id: str) -> bytes:
        """Return the bytes that are authenticated along; each part says its length, so that none can be shifted."""
        business = str(self.business_id) if self.business_id else ""
        parts = (SCHEME, self.table, self.column, business, str(self.row_id), key_id)
        return b"".join(len(part.encode()).to_bytes(2, "big") + part.encode() for part in parts)


@dataclass(frozen=True, slots=True)
class _Held:
    """The keys of one moment; exchanged as a whole, so that nobody encrypts with one and names the other."""

    current_id: str
    ciphers: Mapping[str, AESGCM]


def row_named(business_id: UUID, name: str) -> UUID:
    """Return the id that stands for a row whose key within its business is a word."""
    return uuid5(business_id, name)


class FieldCipher:
    """Encrypts with the current key and decrypts with any key of the ring."""

    def __init__(self, ring: Keyring) -> None:
        self._ring = ring
        self._held = _hold(ring)

    def take(self, ring: Keyring) -> None:
        """Encrypt with the current key of this ring from now on, and decrypt with all of its keys.

        Raises: KeysMixed when an id has other bytes than it had, or bytes another id; then nothing is taken.
        """
        self._ring.check_beside(ring)
        self._held = _hold(ring)
        self._ring = ring

    def encrypt(self, text: str, *, table: str, column: str, business_id: UUID | None, row_id: UUID) -> bytes:
        """Return the envelope of a text for one place."""
        place, held = FieldPlace(table, column, business_id, row_id), self._held
        nonce = os.urandom(NONCE_BYTES)
        sealed = held.ciphers[held.current_id].encrypt(nonce, text.encode(), place.bound_to(held.current_id))
        return _beginning(held.current_id) + nonce + sealed

    def decrypt(self, envelope: bytes, *, table: str, column: str, business_id: UUID | None, row_id: UUID) -> str:
        """Return the text of an envelope that stands in this place.

        Raises: UnreadableField when it was changed, was moved here, or its key is not in the ring.
        """
        place = FieldPlace(table, column, business_id, row_id)
        key_id, rest = _open_envelope(envelope)
        cipher = self._held.ciphers.get(key_id)
        if cipher is None:
            raise UnreadableField(f"{table}.{column} is encrypted with a key that is not in the settings")
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], place.bound_to(key_id)).decode()
        except InvalidTag:
            raise UnreadableField(f"{table}.{column} does not belong to row {row_id}, or was changed") from None

    @property
    def beginning(self) -> bytes:
        """How every envelope begins that was made with the current key."""
        return _beginning(self._held.current_id)

    def is_current(self, envelope: bytes) -> bool:
        """Tell whether an envelope was made with the current key; the others are encrypted anew by a job."""
        return _open_envelope(envelope)[0] == self._held.current_id


def _hold(ring: Keyring) -> _Held:
    ciphers = {key_id: AESGCM(derive_key(key, "field encryption")) for key_id, key in ring.keys.items()}
    return _Held(ring.current_id, ciphers)


def _beginning(key_id: str) -> bytes:
    return bytes((VERSION, len(key_id))) + key_id.encode()


def _open_envelope(envelope: bytes) -> tuple[str, bytes]:
    """Return the key id, and nonce with ciphertext."""
    if len(envelope) < 2 or envelope[0] != VERSION:
        raise UnreadableField("this is no encrypted field of a known version")
    begin = 2 + envelope[1]
    if len(envelope) < begin + NONCE_BYTES + TAG_BYTES:
        raise UnreadableField("this encrypted field is cut short")
    try:
        return envelope[2:begin].decode("ascii"), envelope[begin:]
    except UnicodeDecodeError:
        raise UnreadableField("this encrypted field names no key") from None
