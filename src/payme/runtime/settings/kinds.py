"""Types that several settings share: how a list, a key, a URL or a schedule is written in a variable.

Invariant: a message made here never repeats the value, because it may be a secret.
"""

import ipaddress
import itertools
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")
SHORTEST_SECRET = 32
KEY_ID = re.compile(r"[a-z0-9]{1,8}")
# Source: the age format; bech32 of an X25519 public key.
AGE_RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}")


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _long_secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < SHORTEST_SECRET:
        message = f"must have {SHORTEST_SECRET} characters or more"
        raise ValueError(message)
    return value


def _hex_key(value: SecretStr) -> SecretStr:
    if not HEX_KEY.fullmatch(value.get_secret_value()):
        message = "must be 64 hexadecimal digits, as `openssl rand -hex 32` prints them"
        raise ValueError(message)
    return value


def _key_id(value: str) -> str:
    if not KEY_ID.fullmatch(value):
        message = "must be 1 to 8 lower-case letters and digits"
        raise ValueError(message)
    return value


def _keys_by_id(value: SecretStr) -> SecretStr:
    for part in value.get_secret_value().split(","):
        key_id, _, key = part.strip().partition(":")
        if not KEY_ID.fullmatch(key_id) or not HEX_KEY.fullmatch(key):
            message = "must be a list of `id:64 hexadecimal digits`, separated by commas"
            raise ValueError(message)
    return value


def _postgres_url(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    scheme, _, rest = url.partition("://")
    if scheme not in {"postgres", "postgresql"} or not rest:
        message = "must look like postgresql://user:password@host:5432/database"
        raise ValueError(message)
    return SecretStr(f"postgresql://{rest}")


def _redis_url(value: SecretStr) -> SecretStr:
    if urlsplit(value.get_secret_value()).scheme not in {"redis", "rediss", "unix"}:
        message = "must look like redis://host:6379/0"
        raise ValueError(message)
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        message = "must be an http or https URL without a query"
        raise ValueError(message)
    return value.rstrip("/")


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for each in value:
        try:
            ipaddress.ip_network(each, strict=False)
        except ValueError:
            message = "must be addresses or networks such as 10.0.0.0/8, separated by commas"
            raise ValueError(message) from None
    return value


def _rising(value: tuple[float, ...]) -> tuple[float, ...]:
    if not value or any(later < earlier for earlier, later in itertools.pairwise(value)) or value[0] <= 0:
        message = "must be positive numbers of seconds that never fall"
        raise ValueError(message)
    return value


def _store_url(value: str) -> str:
    parts = urlsplit(value)
    if not ((parts.scheme == "folder" and parts.path.startswith("/")) or (parts.scheme == "s3" and parts.netloc)):
        message = "must look like folder:/var/backups/payme or s3://bucket/prefix"
        raise ValueError(message)
    return value.rstrip("/")


def _recipients(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(AGE_RECIPIENT.fullmatch(each) for each in value):
        message = (
            "must be age public keys (age1…), separated by commas, as `age-keygen` or `payme backup keygen` prints them"
        )
        raise ValueError(message)
    return value


def _dsn(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in {"http", "https"} or not parts.username or not parts.hostname or not parts.path.strip("/"):
        message = "must look like https://key@host/project"
        raise ValueError(message)
    return value


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Origins = Annotated[tuple[HttpUrl, ...], BeforeValidator(_split)]
Networks = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_networks)]
Schedule = Annotated[tuple[float, ...], BeforeValidator(_split), AfterValidator(_rising)]
LongSecret = Annotated[SecretStr, AfterValidator(_long_secret)]
HexKey = Annotated[SecretStr, AfterValidator(_hex_key)]
KeyId = Annotated[str, AfterValidator(_key_id)]
KeysById = Annotated[SecretStr, AfterValidator(_keys_by_id)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
Recipients = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_recipients)]
ReportUrl = Annotated[SecretStr, AfterValidator(_dsn)]
