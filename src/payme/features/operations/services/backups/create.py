"""Make a backup: one snapshot is counted, dumped, encrypted and stored as it comes; the manifest is written last.

The dump is never on a disk of ours unencrypted, and the private key is not needed. What breaks off leaves no backup.
"""

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from payme.features.operations.errors import BackupError
from payme.features.operations.repository.contents import read_contents
from payme.features.operations.schemas import Manifest, dump_key, manifest_key
from payme.features.operations.services.backups.shelf import Progress, Shelf, silent
from payme.integrations.objectstore import ObjectWriter, StoreRefused, StoreUnavailable
from payme.runtime.database.dumps import Snapshot, Tools, dumping, find_dump_tools, open_snapshot
from payme.runtime.security.sealing import Readable, is_recipient, seal


@dataclass(frozen=True, slots=True)
class Origin:
    """What is backed up, by which build, and who may read it."""

    database_url: str = field(repr=False)
    recipients: Sequence[str]
    version: str
    release: str
    environment: str


@dataclass(slots=True)
class _Meter:
    """Passes a stream on and knows how much it was; `stop` breaks it off."""

    source: Readable
    target: ObjectWriter
    show: Progress
    stop: threading.Event
    read_bytes: int = 0
    written_bytes: int = 0
    digest: Any = field(default_factory=sha256)

    def read(self, size: int = -1, /) -> bytes:
        if self.stop.is_set():
            raise BackupError("The backup was broken off.")
        data = self.source.read(size)
        self.read_bytes += len(data)
        return data

    def write(self, data: bytes, /) -> int:
        self.target.write(data)
        self.digest.update(data)
        self.written_bytes += len(data)
        self.show("dumping", self.written_bytes, None)
        return len(data)


async def create_backup(shelf: Shelf, origin: Origin, *, show: Progress = silent) -> Manifest:
    """Back the whole database up and return what was made. Raises: BackupError, DumpError, StoreUnavailable, StoreRefused."""
    if not origin.recipients:
        raise BackupError(
            "BACKUP_RECIPIENTS is not set: a backup is encrypted to somebody. `payme backup keygen` makes a key."
        )
    if wrong := [each for each in origin.recipients if not is_recipient(each)]:
        raise BackupError(
            f"BACKUP_RECIPIENTS holds {wrong[0]}, which is no public key of age: a letter in it is wrong."
        )
    show("counting", 0, None)
    async with open_snapshot(origin.database_url) as snapshot:
        tools = await asyncio.to_thread(find_dump_tools, snapshot.server_major)
        contents = await read_contents(snapshot)
        backup_id = f"{snapshot.taken_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        meter = await _in_thread(_Errand(shelf, origin, snapshot, tools, dump_key(backup_id)), show)
        manifest = Manifest(
            id=backup_id,
            created_at=snapshot.taken_at,
            finished_at=shelf.clock.now(),
            version=origin.version,
            release=origin.release,
            environment=origin.environment,
            server_major=snapshot.server_major,
            dump_major=tools.major,
            recipients=list(origin.recipients),
            size=meter.written_bytes,
            dump_size=meter.read_bytes,
            sha256=meter.digest.hexdigest(),
            contents=contents,
        )
    try:
        await asyncio.to_thread(shelf.add, manifest_key(backup_id), manifest)
    except (StoreUnavailable, StoreRefused):
        with contextlib.suppress(StoreUnavailable, StoreRefused):
            await asyncio.to_thread(shelf.store.remove, manifest.object_key)
        raise
    return manifest


@dataclass(frozen=True, slots=True)
class _Errand:
    shelf: Shelf
    origin: Origin
    snapshot: Snapshot
    tools: Tools
    key: str

    def run(self, show: Progress, stop: threading.Event) -> _Meter:
        dump = dumping(
            self.origin.database_url, self.tools, snapshot=self.snapshot.id, role=self.snapshot.role
        )  # fmt: skip
        with self.shelf.store.writing(self.key) as target, dump as source:
            meter = _Meter(source, target, show, stop)
            seal(meter, meter, self.origin.recipients)
        return meter


async def _in_thread(errand: _Errand, show: Progress) -> _Meter:
    stop = threading.Event()
    try:
        return await asyncio.to_thread(errand.run, show, stop)
    finally:
        # Somebody who interrupts does not wait for the rest of the dump.
        stop.set()
