"""Files in a folder or in S3-compatible storage behind one port: write as a stream, read as a stream, list, remove.

What is stored, and for how long, is decided by the feature that stores it. Everything here blocks; callers run it in a thread.
Invariant: an object is there whole or not at all; a write that was broken off leaves nothing under its key.
"""

from payme.integrations.objectstore.opening import open_store
from payme.integrations.objectstore.port import (
    ObjectMissing,
    ObjectReader,
    ObjectStore,
    ObjectWriter,
    S3Access,
    StoredObject,
    StoreRefused,
    StoreUnavailable,
)

__all__ = [
    "ObjectMissing",
    "ObjectReader",
    "ObjectStore",
    "ObjectWriter",
    "S3Access",
    "StoreRefused",
    "StoreUnavailable",
    "StoredObject",
    "open_store",
]
