"""The API operator of a shop and the proof of it, the SecurityCredential.

Safaricom's certificates expired years ago and still count, so their dates are never looked at. A wrong name, password or
certificate all look the same, much later: result 2001; repeating that locks the operator.
Source: Daraja portal, Getting Started, security credentials.
"""

import base64
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from payme.integrations.daraja.errors import InvalidRequest
from payme.integrations.daraja.field_rules import require_text

PADDING_BYTES = 11
LONGEST_NAME = 64
_PEM_MARK = b"-----BEGIN"


@dataclass(frozen=True, slots=True)
class Initiator:
    """One API operator. `certificate` is Safaricom's, PEM or DER, as configured for sandbox or production.

    Raises: InvalidRequest for an empty name or password, for one too long to be encrypted, and for a certificate that
    cannot be read or has no RSA key.
    """

    name: str
    password: str = field(repr=False)
    certificate: bytes = field(repr=False)

    def __post_init__(self) -> None:
        require_text(self.name, field="initiator_name", shortest=1, longest=LONGEST_NAME)
        longest = _public_key(self.certificate).key_size // 8 - PADDING_BYTES
        if not 0 < len(self.password.encode()) <= longest:
            raise InvalidRequest(field="initiator_password", rule=f"1 to {longest} bytes")

    def security_credential(self) -> str:
        """Return the password encrypted for Safaricom, base64; the padding is random, so each one is new."""
        encrypted = _public_key(self.certificate).encrypt(self.password.encode(), PKCS1v15())
        return base64.b64encode(encrypted).decode()


def _public_key(certificate: bytes) -> RSAPublicKey:
    try:
        if _PEM_MARK in certificate:
            key = x509.load_pem_x509_certificate(certificate).public_key()
        else:
            key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise InvalidRequest(field="certificate", rule="an X.509 certificate, PEM or DER") from fault
    if not isinstance(key, RSAPublicKey):
        raise InvalidRequest(field="certificate", rule="a certificate with an RSA key")
    return key
