"""From a URL to its store: `folder:/var/backups/payme` or `s3://bucket/prefix`. The S3 client is loaded when it is asked for."""

from pathlib import Path
from urllib.parse import urlsplit

from payme.integrations.objectstore.folder import FolderStore
from payme.integrations.objectstore.port import ObjectStore, S3Access


def open_store(url: str, access: S3Access | None = None) -> ObjectStore:
    """Return the store behind a URL; nothing is asked of it yet. Raises: ValueError for another kind of URL."""
    parts = urlsplit(url)
    if parts.scheme == "folder" and parts.path.startswith("/"):
        return FolderStore(Path(parts.path))
    if parts.scheme == "s3" and parts.netloc:
        # Loading the library takes longer than the rest of a process's start, and few processes need it.
        from payme.integrations.objectstore.s3 import S3Store  # noqa: PLC0415 -- see above

        return S3Store(parts.netloc, parts.path.strip("/"), access or S3Access())
    message = "a store is folder:/absolute/path or s3://bucket/prefix"
    raise ValueError(message)
