"""What the doctor says of backups: the newest one, the last drill, and whether this machine could read them. Reads the store."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from payme.features.operations.errors import BackupError
from payme.features.operations.schemas import Diagnosis, Mark, Upkeep, bad, good, in_words, look
from payme.features.operations.services.backups.shelf import shelf_of
from payme.integrations.objectstore import StoreRefused, StoreUnavailable
from payme.runtime.settings import Environment, Settings
from payme.runtime.settings.rules import hardened

_OLDEST_BACKUP: Final = timedelta(hours=26)
_OLDEST_DRILL: Final = timedelta(days=8)
_SET: Final = (
    "Set BACKUP_STORE and BACKUP_RECIPIENTS, and run payme backup create every night; see docs/runbooks/restore.md."
)


async def examine_backups(settings: Settings, *, now: datetime) -> list[Diagnosis]:
    """Return how backups are looked after; a store that does not answer is a line too."""
    if settings.backup_store is None:
        say = bad if settings.app_env is Environment.PRODUCTION else look
        return [say("Backups", "there are none: what this database holds is nowhere else.", _SET)]
    try:
        upkeep = await asyncio.to_thread(lambda: shelf_of(settings).look())
    except (StoreUnavailable, StoreRefused) as error:
        return [bad("Backups", error.message, "Is BACKUP_STORE right, and may this machine read it?")]
    except BackupError as error:
        return [bad("Backups", str(error), "payme backup list; make a new one: payme backup create")]
    lines = [_newest(upkeep, now), _drill(upkeep, now)]
    if hardened(settings) and settings.backup_recipients and settings.backup_identity is not None:
        found = "this machine makes backups and can read them all."
        lines.append(
            look(
                "Backup key",
                found,
                "Keep the private key elsewhere: BACKUP_IDENTITY belongs where backups are restored.",
            )
        )
    return lines


def _newest(upkeep: Upkeep, now: datetime) -> Diagnosis:
    if upkeep.newest is None:
        return bad("Backups", f"{upkeep.place} holds none.", "payme backup create")
    age = now - upkeep.newest.created_at
    found = f"the newest of {upkeep.count} is {in_words(age)} old ({upkeep.newest.id})."
    if age > _OLDEST_BACKUP:
        return bad("Backups", found, "payme backup create, and find out why the nightly one was not made.")
    if upkeep.unfinished > 1:
        return look("Backups", found, f"{upkeep.unfinished} dumps broke off; payme backup prune removes old ones.")
    return good("Backups", found)


def _drill(upkeep: Upkeep, now: datetime) -> Diagnosis:
    step = "payme backup drill, on a machine with the private key"
    if upkeep.drill is None:
        return look("Restore drill", "there was none: nobody knows whether the backups can be restored.", step)
    age = in_words(now - upkeep.drill.drilled_at)
    if not upkeep.drill.passed:
        found = f"failed {age} ago, with {upkeep.drill.backup_id}."
        return bad("Restore drill", found, f"{step}; until it passes, count on no backup.", details=upkeep.drill.faults)
    found = f"passed {age} ago, in {in_words(timedelta(seconds=upkeep.drill.recovery_seconds))}."
    mark = Mark.LOOK if now - upkeep.drill.drilled_at > _OLDEST_DRILL else Mark.GOOD
    return Diagnosis(mark=mark, subject="Restore drill", found=found, next_step=step if mark is Mark.LOOK else "")
