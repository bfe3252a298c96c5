"""Passwords and PINs by Argon2id.

Hashing takes tens of milliseconds of processor time: call it in a thread (`asyncio.to_thread`), never on the event loop.
Invariant: an unknown user costs as much time as a wrong password, and no password is cut or refused for its letters.
"""

import hashlib
from typing import Final

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

# Source: OWASP password storage, the least for Argon2id: 19 MiB, two passes, one lane.
LEAST_MEMORY_KIB: Final = 19_456
LEAST_ITERATIONS: Final = 2
# Longer ones are folded, so that a megabyte of password costs nobody anything and no two differ only in what is cut.
LONGEST_BYTES: Final = 1024


class PasswordHasher:
    """Hashes and verifies with one cost; older hashes stay readable."""

    def __init__(self, *, memory_kib: int = 65_536, iterations: int = 3) -> None:
        assert memory_kib >= LEAST_MEMORY_KIB, "below the floor of Argon2id memory"
        assert iterations >= LEAST_ITERATIONS, "below the floor of Argon2id passes"
        self._argon2 = Argon2Hasher(time_cost=iterations, memory_cost=memory_kib, parallelism=1)
        self._hashes = PasswordHash((self._argon2,))
        self._dummy = self._hashes.hash("nobody's password")

    @classmethod
    def at_least_cost(cls) -> "PasswordHasher":
        """Return a hasher whose hashes a phone verifies in less than half a second."""
        return cls(memory_kib=LEAST_MEMORY_KIB, iterations=LEAST_ITERATIONS)

    def hash(self, password: str) -> str:
        """Return a hash with its own salt and parameters inside."""
        return self._hashes.hash(_folded(password))

    def verify(self, password: str, stored: str | None) -> bool:
        """Tell whether a password is right; None for an unknown user takes the same time and is never right."""
        try:
            right = self._hashes.verify(_folded(password), stored or self._dummy)
        except UnknownHashError:
            return False
        return right and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Tell whether a hash has another cost than today's; hash anew at the next successful login."""
        return self._argon2.check_needs_rehash(stored)


def _folded(password: str) -> bytes:
    """Return the bytes to hash: the password's own, or a digest of a very long one; a NUL is a letter like any other."""
    own = password.encode("utf-8", "surrogatepass")
    return own if len(own) <= LONGEST_BYTES else hashlib.sha512(own).hexdigest().encode()
