"""Remove backups that are old enough. Invariant: the newest backup stays, whatever its age."""

from datetime import datetime, timedelta
from typing import Final

from payme.features.operations.schemas import manifest_key
from payme.features.operations.services.backups.shelf import Shelf

_UNFINISHED_FOR: Final = timedelta(days=2)


def prune_backups(shelf: Shelf, *, keep: timedelta, now: datetime) -> list[str]:
    """Remove backups older than that, and dumps that never got their manifest; return the ids and keys that went."""
    removed: list[str] = []
    for manifest in shelf.list_backups()[:-1]:
        if manifest.created_at < now - keep:
            # The manifest first: a backup is there as long as that is.
            shelf.store.remove(manifest_key(manifest.id))
            shelf.store.remove(manifest.object_key)
            removed.append(manifest.id)
    for key in shelf.orphans(before=now - _UNFINISHED_FOR):
        shelf.store.remove(key)
        removed.append(key)
    return removed
