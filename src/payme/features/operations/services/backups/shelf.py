"""Where backups lie and what vouches for them: manifests and drill records, each signed with a key of this deployment.

A manifest is readable by everybody who can read the store, so that listing needs no private key; what it says is vouched for by
an HMAC under a key derived from ENCRYPTION_KEY, and it carries the hash of the encrypted dump. So neither can be changed, nor one put
in the place of another, by whoever only has the store. Invariant: a backup without its manifest is none.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, TypeVar

import rfc8785
from pydantic import BaseModel, TypeAdapter, ValidationError

from payme.features.operations.errors import BackupError
from payme.features.operations.schemas import BACKUPS, DUMP, MANIFEST, Drill, Manifest, Upkeep, manifest_key
from payme.integrations.objectstore import ObjectMissing, ObjectStore, S3Access, StoredObject, open_store
from payme.kit.time import Clock, SystemClock
from payme.runtime.security import Keyring, derive_key
from payme.runtime.settings import Settings

Document = TypeVar("Document", bound=BaseModel)
Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how far it is, and how far it goes where that is known (in bytes, or businesses)."""
DRILLS: Final = "drills/"
_LARGEST: Final = 64 << 20
_ENVELOPE: Final = TypeAdapter(dict[str, Any])


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A store of backups with the keys that vouch for what is in it."""

    store: ObjectStore
    keyring: Keyring = field(repr=False)
    clock: Clock = field(default_factory=SystemClock)

    def add(self, key: str, document: BaseModel) -> None:
        """Write a signed document."""
        content = document.model_dump(mode="json")
        key_id = self.keyring.current_id
        signed = {"content": content, "key_id": key_id, "hmac_sha256": self._sign(content, key_id)}
        with self.store.writing(key) as target:
            target.write(rfc8785.dumps(signed))

    def read(self, key: str, kind: type[Document]) -> Document:
        """Return a signed document. Raises: BackupError where it is not what was signed here."""
        with self.store.reading(key) as source:
            written = bytearray()
            while len(written) <= _LARGEST and (piece := source.read(1 << 20)):
                written += piece
        try:
            envelope = _ENVELOPE.validate_json(bytes(written))
            content, key_id, given = envelope["content"], str(envelope["key_id"]), str(envelope["hmac_sha256"])
            document = kind.model_validate(content)
        except (ValidationError, KeyError) as error:
            raise BackupError(f"{key} is damaged: it cannot be read.") from error
        if key_id not in self.keyring.keys:
            raise BackupError(
                f"{key} is vouched for by the key {key_id}, which is not here: set the ENCRYPTION_KEY of the deployment it comes from."
            )
        if not hmac.compare_digest(self._sign(content, key_id), given):
            raise BackupError(f"{key} is not what was written: it was altered, or belongs to another ENCRYPTION_KEY.")
        return document

    def list_backups(self) -> list[Manifest]:
        """Return every backup, oldest first. Raises: BackupError where one was altered."""
        return [self.manifest(each) for each in self.list_ids()]

    def list_ids(self) -> list[str]:
        """Return the ids of the backups that are there, oldest first."""
        return _ids(self.store.list_objects(BACKUPS))

    def manifest(self, backup_id: str) -> Manifest:
        """Return the manifest of a backup. Raises: BackupError."""
        try:
            manifest = self.read(manifest_key(backup_id), Manifest)
        except ObjectMissing:
            raise BackupError(
                f"There is no backup {backup_id} in {self.store.place}; see `payme backup list`."
            ) from None
        if manifest.id != backup_id:
            raise BackupError(f"The manifest of {backup_id} belongs to {manifest.id}: somebody moved it.")
        return manifest

    def choose(self, backup_id: str | None) -> Manifest:
        """Return a backup by its id, or the newest. Raises: BackupError."""
        chosen = backup_id or next(reversed(self.list_ids()), None)
        if chosen is None:
            raise BackupError(f"There is no backup in {self.store.place}.")
        return self.manifest(chosen)

    def look(self) -> Upkeep:
        """Return how backups are looked after. Raises: BackupError."""
        objects = self.store.list_objects(BACKUPS)
        ids = _ids(objects)
        drills = [each.key for each in self.store.list_objects(DRILLS)]
        return Upkeep(
            place=self.store.place,
            newest=self.manifest(ids[-1]) if ids else None,
            drill=self.read(drills[-1], Drill) if drills else None,
            count=len(ids),
            unfinished=len(_orphans(objects)),
        )

    def orphans(self, *, before: datetime) -> list[str]:
        """Return the keys of dumps that never got their manifest and are older than that."""
        return [each.key for each in _orphans(self.store.list_objects(BACKUPS)) if each.changed_at < before]

    def _sign(self, content: Any, key_id: str) -> str:
        key = derive_key(self.keyring.keys[key_id], "backup manifests")
        return hmac.new(key, rfc8785.dumps(content), sha256).hexdigest()


def shelf_of(settings: Settings) -> Shelf:
    """Return the place of backups that the settings name. Raises: BackupError where they name none."""
    if settings.backup_store is None:
        raise BackupError("BACKUP_STORE is not set: say where backups go, folder:/absolute/path or s3://bucket/prefix.")
    access_key, secret_key = settings.backup_s3_access_key, settings.backup_s3_secret_key
    access = S3Access(
        endpoint_url=settings.backup_s3_endpoint,
        region=settings.backup_s3_region,
        access_key=access_key.get_secret_value() if access_key else None,
        secret_key=secret_key.get_secret_value() if secret_key else None,
    )
    current = settings.encryption_key.get_secret_value()
    keyring = Keyring.from_hex(settings.encryption_key_id, current, previous=settings.previous_encryption_keys())
    return Shelf(open_store(settings.backup_store, access), keyring)


def _ids(objects: Sequence[StoredObject]) -> list[str]:
    keys = (each.key for each in objects if each.key.endswith(MANIFEST))
    return sorted(key.removeprefix(BACKUPS).removesuffix(MANIFEST) for key in keys)


def _orphans(objects: Sequence[StoredObject]) -> list[StoredObject]:
    ids = set(_ids(objects))
    dumps = (each for each in objects if each.key.endswith(DUMP))
    return [each for each in dumps if each.key.removeprefix(BACKUPS).removesuffix(DUMP) not in ids]
