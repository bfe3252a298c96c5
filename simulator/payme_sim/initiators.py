"""Operators of a short code: their passwords, how these travel encrypted, and when an operator is locked.

Lives here: the key pair, its certificate, checking a credential. Does not live here: which requests need one.
Invariant: a credential is really decrypted; nothing but the right password under the right name is let through.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections import Counter
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from payme_sim.apps import ShortCode

FAILURES_UNTIL_LOCKED = 3
ALLOWED = "0"
WRONG = "2001"
LOCKED = "8006"
_KEY_BITS = 2048


class KeyPair:
    """The provider's key pair; drawn when first asked for, or kept in a file so that it outlives the process."""

    def __init__(self, path: Path | None = None) -> None:
        """Keep the key in `path`, made when it is missing; without one the key lives as long as the process."""
        self._path = path

    @cached_property
    def private_key(self) -> rsa.RSAPrivateKey:
        """Load the key, or draw it."""
        if self._path is not None and self._path.exists():
            kept = serialization.load_pem_private_key(self._path.read_bytes(), password=None)
            assert isinstance(kept, rsa.RSAPrivateKey), "the file was written here"
            return kept
        key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        if self._path is not None:
            form = serialization.PrivateFormat.PKCS8
            plain = serialization.NoEncryption()
            self._path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
        return key

    @cached_property
    def certificate(self) -> bytes:
        """Write the certificate as PEM; like the real ones it expired long ago, and nobody may mind."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulator.payme.invalid")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.private_key.public_key())
            .serial_number(1)
            .not_valid_before(datetime(2015, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2018, 1, 1, tzinfo=UTC))
            .sign(self.private_key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)

    def decrypted(self, credential: str) -> bytes | None:
        """Decrypt base64 of RSA with PKCS#1 v1.5; None for what is neither."""
        try:
            ciphertext = base64.b64decode(credential, validate=True)
            return self.private_key.decrypt(ciphertext, padding.PKCS1v15())
        except (binascii.Error, ValueError):
            return None


class Initiators:
    """Lets operators in, and locks those who failed too often."""

    def __init__(self, keys: KeyPair) -> None:
        """Begin with nobody locked."""
        self._keys = keys
        self._failures: Counter[str] = Counter()

    def check(self, shortcode: ShortCode, *, name: str, credential: str) -> str:
        """Return `0`, `2001` for whatever is wrong, or `8006` once an operator has failed three times."""
        if self._failures[shortcode.shortcode] >= FAILURES_UNTIL_LOCKED:
            return LOCKED
        password = self._keys.decrypted(credential)
        right = password is not None and hmac.compare_digest(password, shortcode.initiator_password.encode())
        if name != shortcode.initiator_name or not right:
            self._failures[shortcode.shortcode] += 1
            return WRONG
        self.unlock(shortcode.shortcode)
        return ALLOWED

    def unlock(self, shortcode: str) -> None:
        """Forget the failures, as when the password is set anew."""
        self._failures.pop(shortcode, None)
