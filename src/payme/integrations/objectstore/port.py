"""What an object store is to its users, and how it says no. No store is known here.

Keys are relative paths with `/`; every instant is aware UTC, every size is in bytes.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from payme.kit.errors import ProviderRefused, ProviderUnavailable


class StoreUnavailable(ProviderUnavailable):
    """The store does not answer, or has no room; it may be tried later."""


class StoreRefused(ProviderRefused):
    """The store said no: credentials, bucket, permissions."""


class ObjectMissing(StoreRefused):
    """There is no such object."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object, as a list shows it."""

    key: str
    size: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class S3Access:
    """How an S3-compatible store is reached; without keys, the machine's own identity is used (a role, a profile)."""

    endpoint_url: str | None = None
    region: str = "us-east-1"
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)


class ObjectReader(Protocol):
    """A stream out of the store."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to so many bytes, none at the end. Raises: StoreUnavailable."""
        ...


class ObjectWriter(Protocol):
    """A stream into the store."""

    def write(self, data: bytes, /) -> int:
        """Take bytes. Raises: StoreUnavailable, StoreRefused."""
        ...


class ObjectStore(Protocol):
    """A place for objects. Every method raises StoreUnavailable or StoreRefused."""

    @property
    def place(self) -> str:
        """Where it is, in words that hold no secret."""
        ...

    def writing(self, key: str) -> AbstractContextManager[ObjectWriter]:
        """Open an object to be written; it appears under its key when the block ends well, else nothing does."""
        ...

    def reading(self, key: str) -> AbstractContextManager[ObjectReader]:
        """Open an object to be read. Raises: ObjectMissing."""
        ...

    def list_objects(self, prefix: str = "") -> Sequence[StoredObject]:
        """Return what is there whole, by key."""
        ...

    def remove(self, key: str) -> None:
        """Remove an object; one that is gone already is fine."""
        ...
