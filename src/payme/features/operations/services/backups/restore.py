"""Restore a backup into a database: read whole and checked first, restored in one transaction, counted afterwards.

Jobs that would ring a customer's phone are set aside: what they asked for may have happened after the backup was made.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from payme.features import payments
from payme.features.operations.errors import BackupError
from payme.features.operations.repository.contents import read_contents
from payme.features.operations.repository.wards import knows_epochs
from payme.features.operations.schemas import Contents, Manifest
from payme.features.operations.services.backups.shelf import Progress, Shelf, silent
from payme.features.operations.services.backups.verify import check_opens, keys_of, pour
from payme.runtime.database import Database
from payme.runtime.database.dumps import (
    Tools,
    clear_target,
    examine_target,
    find_restore_tools,
    open_snapshot,
    prepare_target,
    restoring,
)
from payme.runtime.jobs.dead_letters import set_aside

OpenAt = Callable[[str], AbstractAsyncContextManager[Database]]
"""Opens the database at a URL in the worker's role."""
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a backup goes; `replace` lets it take the place of what is there, for good."""

    database_url: str = field(repr=False)
    replace: bool = False


async def restore_backup(
    shelf: Shelf, manifest: Manifest, destination: Destination, *, identity: str, show: Progress = silent
) -> None:
    """Restore a backup and compare what arrived with its manifest.

    Raises: BackupError, DumpError, store errors; until everything has arrived, the target keeps nothing of it.
    """
    keys = keys_of(identity)
    target = await examine_target(destination.database_url)
    tools = await asyncio.to_thread(find_restore_tools, target.server_major, archive_major=manifest.dump_major)
    if target.things and not destination.replace:
        raise BackupError(
            f"The database {target.name} is not empty ({target.things} tables and functions). Restore into an empty one, "
            "or say --replace, which deletes what is there."
        )
    # All of it is read, opened and checked before anything is deleted or written.
    await asyncio.to_thread(check_opens, shelf, manifest, keys=keys, show=show)
    await prepare_target(destination.database_url)
    if target.things:
        await clear_target(destination.database_url)
    await asyncio.to_thread(_restore, shelf, manifest, url=destination.database_url, tools=tools, keys=keys, show=show)
    differences = differences_of(manifest.contents, await _contents(destination.database_url))
    if differences:
        raise BackupError(f"What arrived differs from the manifest: {'; '.join(differences[:_SHOWN])}.")


async def set_prompts_aside(open_at: OpenAt, database_url: str) -> int:
    """Make dead letters of the prompts that waited when the backup was made, and return how many."""
    async with open_at(database_url) as database:
        return await database.run(
            partial(set_aside, name=payments.SEND_JOB, reason="It was waiting when the backup was made.")
        )


async def begin_where_known(
    open_at: OpenAt, database_url: str, begin_epochs: Callable[[Database], Awaitable[int]]
) -> bool:
    """Have tills learn that the books went back; False where the schema of the backup is older than that, until it is migrated."""
    async with open_at(database_url) as database:
        if not await database.run(knows_epochs, read_only=True):
            return False
        await begin_epochs(database)
    return True


def differences_of(wanted: Contents, found: Contents) -> list[str]:
    """Return in words where two databases hold different things."""
    told: list[str] = []
    if wanted.schema_version != found.schema_version:
        told.append(f"the schema is at {found.schema_version}, not at {wanted.schema_version}")
    for table in sorted(wanted.rows.keys() | found.rows.keys()):
        before, after = wanted.rows.get(table), found.rows.get(table)
        if before != after:
            told.append(f"{table} has {after} rows, not {before}")
    if wanted.audit_heads != found.audit_heads:
        told.append("the audit chains end elsewhere")
    return told


async def _contents(database_url: str) -> Contents:
    async with open_snapshot(database_url) as snapshot:
        return await read_contents(snapshot)


def _restore(shelf: Shelf, manifest: Manifest, *, url: str, tools: Tools, keys: list[str], show: Progress) -> None:
    with restoring(url, tools) as target:
        pour(shelf, manifest, target, keys=keys, show=show)
