"""A raw base backup of a server that runs: its data folder copied between two calls, and the WAL up to where the copy is whole.

This is what `pg_basebackup` and disk snapshots do; nothing of PayMe's own backups takes part, so nothing of them knows of it.
"""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import asyncpg

from payme.runtime.database.embedded import EmbeddedServer

VANISHED = 1  # what `cp` ends with when a file went away between its listing and its reading


async def take_base_backup(server: EmbeddedServer, target: Path) -> None:
    """Copy a running server into a data folder that `EmbeddedServer(target)` then starts and recovers."""
    address, source = await asyncio.to_thread(server.start), server.data_dir
    connection = await asyncpg.connect(address.dsn("postgres", "postgres"))
    try:
        await connection.execute("select pg_backup_start('yesterday', fast => true)")
        await asyncio.to_thread(_copy, source, target)
        label = await connection.fetchval("select labelfile from pg_backup_stop(wait_for_archive => false)")
    finally:
        await connection.close()
    await asyncio.to_thread(_complete, source, target, label)


def _complete(source: Path, target: Path, label: str) -> None:
    """Add the WAL as it is after the copy, the label that says where recovery begins, and the passwords beside the data."""
    shutil.rmtree(target / "pg_wal")
    for each in ("postmaster.pid", "postmaster.opts"):
        (target / each).unlink(missing_ok=True)
    _copy(source / "pg_wal", target / "pg_wal")
    named, owner = target / "backup_label", source.stat()
    named.write_text(label)
    os.chown(named, owner.st_uid, owner.st_gid)
    _copy(source.with_name(f"{source.name}.passwords"), target.with_name(f"{target.name}.passwords"))


def _copy(source: Path, target: Path) -> None:
    done = subprocess.run(["cp", "-a", str(source), str(target)], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if "No such file" not in line]
    assert done.returncode in {0, VANISHED}, done.stderr
    assert told == [], done.stderr
