"""A store in a folder of this machine. An object is written beside its place, synced, and renamed, so that it is there whole or not."""

import contextlib
import os
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final

from payme.integrations.objectstore.port import (
    ObjectMissing,
    ObjectReader,
    ObjectWriter,
    StoredObject,
    StoreRefused,
    StoreUnavailable,
)

_UNFINISHED: Final = ".unfinished-"


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Objects as files that only their owner may read."""

    folder: Path

    @property
    def place(self) -> str:
        """Where it is."""
        return f"folder:{self.folder}"

    @contextlib.contextmanager
    def writing(self, key: str) -> Generator[ObjectWriter]:
        """Open an object to be written; it appears when the block ends well."""
        target = self._path(key)
        with self.in_words(key):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=target.parent)
        unfinished = Path(name)
        try:
            # Without a buffer, so that closing a file on a full disk has nothing left to write.
            with os.fdopen(descriptor, "wb", buffering=0) as stream:
                yield _Writer(self, key, stream)
                with self.in_words(key):
                    os.fsync(stream.fileno())
            with self.in_words(key):
                unfinished.rename(target)
                _sync(target.parent)
        finally:
            unfinished.unlink(missing_ok=True)

    @contextlib.contextmanager
    def reading(self, key: str) -> Generator[ObjectReader]:
        """Open an object to be read."""
        with self.in_words(key):
            stream = self._path(key).open("rb")
        with stream:
            yield _Reader(self, key, stream)

    def list_objects(self, prefix: str = "") -> Sequence[StoredObject]:
        """Return what is there whole, by key."""
        with self.in_words(prefix):
            if not self.folder.exists():
                return []
            paths = [path for path in sorted(self.folder.rglob("*")) if _UNFINISHED not in path.name and path.is_file()]
            keys = [(path, path.relative_to(self.folder).as_posix()) for path in paths]
            return [_described(path, key) for path, key in keys if key.startswith(prefix)]

    def remove(self, key: str) -> None:
        """Remove an object."""
        with self.in_words(key):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        path = (self.folder / key).resolve()
        assert path.is_relative_to(self.folder.resolve()), "a key stays inside its store"
        return path

    @contextlib.contextmanager
    def in_words(self, key: str) -> Generator[None]:
        """Translate the errors of the file system."""
        try:
            yield
        except FileNotFoundError as error:
            raise ObjectMissing(f"{self.place} holds no {key}.", provider="objectstore") from error
        except PermissionError as error:
            message = f"{self.place} may not be used by this account ({error.strerror})."
            raise StoreRefused(message, provider="objectstore") from error
        except OSError as error:
            message = f"{self.place} cannot be used: {error.strerror}."
            raise StoreUnavailable(message, provider="objectstore") from error


@dataclass(frozen=True, slots=True)
class _Writer:
    store: FolderStore
    key: str
    stream: FileIO

    def write(self, data: bytes, /) -> int:
        left = memoryview(data)
        with self.store.in_words(self.key):
            while left:
                left = left[self.stream.write(left) or 0 :]
        return len(data)


@dataclass(frozen=True, slots=True)
class _Reader:
    store: FolderStore
    key: str
    stream: BinaryIO

    def read(self, size: int = -1, /) -> bytes:
        with self.store.in_words(self.key):
            return self.stream.read(size)


def _described(path: Path, key: str) -> StoredObject:
    facts = path.stat()
    return StoredObject(key, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
