"""An API operator for tests: a certificate that expired long ago, as Safaricom's did, and the key that opens what it closed."""

import base64
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes, CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from payme.integrations.daraja import Initiator, OperatingAccount, ResultUrls

URLS = ResultUrls("http://127.0.0.1/d/6b1f/r", "http://127.0.0.1/d/6b1f/t")


@cache
def private_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@cache
def certificate(encoding: Encoding = Encoding.PEM) -> bytes:
    return expired_certificate(private_key().public_key(), private_key()).public_bytes(encoding)


def expired_certificate(key: CertificatePublicKeyTypes, signer: CertificateIssuerPrivateKeyTypes) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "apicrypt.example")])
    builder = x509.CertificateBuilder(
        name, name, key, 7, datetime(2014, 1, 1, tzinfo=UTC), datetime(2016, 1, 1, tzinfo=UTC)
    )
    return builder.sign(signer, SHA256())


def opened(security_credential: str) -> str:
    return private_key().decrypt(base64.b64decode(security_credential, validate=True), PKCS1v15()).decode()


def an_initiator(password: str = "Duka#2026%") -> Initiator:
    return Initiator("dukaapi", password, certificate())


def an_account() -> OperatingAccount:
    return OperatingAccount("600992", an_initiator())
