"""Keys for one purpose each, derived from the keys in the settings.

Invariant: a key is never used for two purposes, and a key that is known by its id never changes its bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from payme.runtime.security.errors import KeysMixed

KEY_BYTES = 32
SALT = b"payme/v1"


def derive_key(master: bytes, purpose: str) -> bytes:
    """Return the 32-byte key for a purpose, by HKDF-SHA256.

    Source: RFC 5869; the purpose is the `info`, so that keys of different purposes tell nothing about each other.
    """
    assert len(master) >= KEY_BYTES, "a master key has 32 bytes or more"
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=SALT, info=purpose.encode()).derive(master)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The key that encrypts, and the older ones that still decrypt, by their ids."""

    current_id: str
    keys: Mapping[str, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        assert self.current_id in self.keys, "the current key is one of the keys"
        assert all(len(key) == KEY_BYTES for key in self.keys.values()), "a key has 32 bytes"

    @classmethod
    def from_hex(cls, current_id: str, current: str, *, previous: Mapping[str, str] | None = None) -> "Keyring":
        """Make a ring of keys written in hexadecimal."""
        written = {**(previous or {}), current_id: current}
        return cls(current_id, {key_id: bytes.fromhex(key) for key_id, key in written.items()})

    def check_beside(self, other: "Keyring") -> None:
        """Refuse a ring that uses an id of this one for other bytes, or bytes of this one under another id. Raises: KeysMixed."""
        pairs = {*self.keys.items(), *other.keys.items()}
        for which in (0, 1):
            seen = [pair[which] for pair in pairs]
            if len(set(seen)) < len(seen):
                raise KeysMixed(
                    "an encryption key has another id than before, or an id another key; a new key takes a new id"
                )
