"""Read a backup back: whole, of the right hash, openable with the private key, and an archive that lists its contents."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from payme.features.operations.errors import BackupError
from payme.features.operations.schemas import Manifest
from payme.features.operations.services.backups.shelf import Progress, Shelf, silent
from payme.integrations.objectstore import ObjectMissing, ObjectReader
from payme.runtime.database.dumps import find_restore_tools, installed_tools, listing
from payme.runtime.security.sealing import SealBroken, Writable, read_identities, unseal


@dataclass(slots=True)
class _Reading:
    """Passes a stored object on, and knows its length and hash at the end."""

    source: ObjectReader
    what: str
    total: int
    show: Progress
    size: int = 0
    digest: Any = field(default_factory=sha256)

    def read(self, size: int = -1, /) -> bytes:
        data = self.source.read(size)
        self.size += len(data)
        self.digest.update(data)
        self.show(self.what, self.size, self.total)
        return data


async def verify_backup(shelf: Shelf, manifest: Manifest, *, identity: str | None, show: Progress = silent) -> None:
    """Read all of a backup; with a private key, open and list it too. Raises: BackupError, DumpError, store errors."""
    if identity is None:
        await asyncio.to_thread(check_whole, shelf, manifest, show)
    else:
        await asyncio.to_thread(_open_and_list, shelf, manifest, identity=identity, show=show)


def check_whole(shelf: Shelf, manifest: Manifest, show: Progress = silent) -> None:
    """Read a backup to its end and compare its hash. Raises: BackupError."""
    with _reading(shelf, manifest, what="checking", show=show) as reading:
        while reading.read(1 << 20):
            pass


def check_opens(shelf: Shelf, manifest: Manifest, *, keys: Sequence[str], show: Progress = silent) -> None:
    """Read a backup to its end, decrypting it into nowhere. Raises: BackupError."""
    pour(shelf, manifest, _Nowhere(), keys=keys, show=lambda _what, done, total: show("checking", done, total))


def pour(shelf: Shelf, manifest: Manifest, target: Writable, *, keys: Sequence[str], show: Progress) -> None:
    """Decrypt a backup into a target; where it returns, all of it was authentic. Raises: BackupError."""
    with _reading(shelf, manifest, what="restoring", show=show) as reading:
        try:
            unseal(reading, target, keys)
        except SealBroken as error:
            raise BackupError(_why_closed(manifest, error)) from error


class _Nowhere:
    """Takes everything and keeps nothing."""

    def write(self, data: bytes, /) -> int:
        return len(data)


def keys_of(identity: str) -> list[str]:
    """Return the private keys in a text. Raises: BackupError."""
    try:
        return read_identities(identity)
    except SealBroken as error:
        raise BackupError(f"BACKUP_IDENTITY cannot be used. {error}") from error


def _open_and_list(shelf: Shelf, manifest: Manifest, *, identity: str, show: Progress) -> None:
    newest = installed_tools()[-1:]
    tools = newest[0] if newest else find_restore_tools(manifest.server_major, archive_major=manifest.dump_major)
    with listing(tools) as target:
        pour(shelf, manifest, target, keys=keys_of(identity), show=show)


@contextmanager
def _reading(shelf: Shelf, manifest: Manifest, *, what: str, show: Progress) -> Generator[_Reading]:
    try:
        with shelf.store.reading(manifest.object_key) as source:
            reading = _Reading(source, what, manifest.size, show)
            yield reading
            while reading.read(1 << 20):
                pass  # what is there behind the end is no part of the backup, and makes its hash another
    except ObjectMissing as error:
        raise BackupError(
            f"The dump of {manifest.id} is gone from {shelf.store.place}; only its manifest is left."
        ) from error
    if reading.size != manifest.size:
        raise BackupError(
            f"{manifest.id} has {reading.size} bytes and should have {manifest.size}: it is cut off or damaged."
        )
    if reading.digest.hexdigest() != manifest.sha256:
        raise BackupError(f"{manifest.id} is damaged: its hash is not the one in its manifest.")


def _why_closed(manifest: Manifest, error: SealBroken) -> str:
    if "No matching keys" in str(error):
        return (
            f"{manifest.id} cannot be opened with this private key. It was encrypted to {', '.join(manifest.recipients)}; "
            "take the identity file that belongs to one of these."
        )
    return f"{manifest.id} is damaged: what was encrypted is not what is stored ({error})."
