"""Passwords and PINs: Argon2id, off the event loop, with a pepper that is not in the database.

Invariant: checking somebody who does not exist takes as long as checking somebody who does.
"""

import asyncio
import hashlib
import hmac
import secrets
from base64 import b64encode

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher


class PasswordHasher:
    """Hashes and checks passwords with the cost that was set.

    The pepper keys an HMAC in front of Argon2id, which also makes very long passwords and NUL bytes plain input.
    """

    def __init__(self, *, pepper: bytes, memory_kib: int = 65_536, iterations: int = 3, parallelism: int = 1) -> None:
        self._pepper = pepper
        self._hash = PasswordHash(
            (Argon2Hasher(time_cost=iterations, memory_cost=memory_kib, parallelism=parallelism),)
        )
        self._nobody = self._hash.hash(self._peppered(secrets.token_hex(16)))

    async def hash(self, password: str) -> str:
        """Return the hash to store."""
        return await asyncio.to_thread(self._hash.hash, self._peppered(password))

    async def check(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Say whether the password is right, and return a new hash where the stored one was made at another cost.

        None as the stored hash stands for somebody who does not exist; the work is done all the same.
        """
        known = stored is not None
        try:
            matches, fresher = await asyncio.to_thread(
                self._hash.verify_and_update, self._peppered(password), stored or self._nobody
            )
        except UnknownHashError:
            return False, None
        return (True, fresher) if known and matches else (False, None)

    def _peppered(self, password: str) -> str:
        digest = hmac.digest(self._pepper, password.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return b64encode(digest).decode()
