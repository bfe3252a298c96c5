"""A disk runs full in the middle of sales: the one of the log, the one of the tables, the one of the backups.

Refused clearly, nothing acknowledged lost, and going on once there is room. The small disks are file systems in memory, which only
root may mount.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from payme.runtime.database.embedded import EmbeddedServerError
from payme.runtime.security.sealing import new_identity
from tests.fault_rows import FaultRow
from tests.faults.places import Place, open_place
from tests.faults.selling import Clients
from tests.features.operations.commands import payme

REFUSED_WITHIN_SECONDS = 40.0
SERVES_AGAIN_SECONDS = 30.0
REFUSALS = 20
MEGABYTE = 1 << 20
pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


class SmallDisk:
    """A file system of a few megabytes; `fill` leaves no room on it, and `free` makes room again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def mount(self, megabytes: int) -> None:
        self.folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")

    def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(MEGABYTE // 16))

    def free(self) -> None:
        self._ballast.unlink()

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False, capture_output=True)

    def take(self, folder: Path) -> None:
        """Move a folder of a stopped server here, and leave a link in its place."""
        target = self.folder / folder.name
        shutil.copytree(folder, target, symlinks=True)
        facts = folder.stat()
        for path in (target, *target.rglob("*")):
            os.chown(path, facts.st_uid, facts.st_gid)
        shutil.rmtree(folder)
        folder.symlink_to(target)


@pytest_asyncio.fixture
async def place(open_folder: Path) -> AsyncIterator[Place]:
    async with open_place(open_folder, durable=True) as opened:
        yield opened


@pytest.fixture
def small_disk(open_folder: Path) -> Iterator[SmallDisk]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = SmallDisk(open_folder / "small")
    yield disk
    disk.unmount()


async def _move(place: Place, disk: SmallDisk, name: str) -> None:
    await asyncio.to_thread(place.server.stop)
    disk.take(place.server.data_dir / name)
    await asyncio.to_thread(place.server.start)


async def _refused(clients: Clients, *, more: int) -> None:
    """Wait until so many sales more were answered 503."""
    wanted, deadline = clients.sold.statuses["503"] + more, time.monotonic() + REFUSED_WITHIN_SECONDS
    while clients.sold.statuses["503"] < wanted:
        assert time.monotonic() < deadline, f"nothing was refused: {clients.sold.statuses}"
        await asyncio.sleep(0.05)


async def _start_again(place: Place) -> None:
    """Start the server if it has given up; where it is at its own recovery, wait for that."""
    deadline = time.monotonic() + SERVES_AGAIN_SECONDS
    while True:
        try:
            await asyncio.to_thread(place.server.start)
        except EmbeddedServerError:
            assert time.monotonic() < deadline, "the server does not recover"
            await asyncio.sleep(0.2)
        else:
            return


def _complaints(place: Place) -> str:
    """Return what PostgreSQL said of the full disk."""
    logs = (path.read_text(errors="replace") for path in (place.server.data_dir / "log").iterdir())
    return "\n".join(line for log in logs for line in log.splitlines() if "No space left on device" in line)


def _count(row: FaultRow, clients: Clients) -> None:
    row.counts["acknowledged"] += len(clients.sold.acknowledged)
    row.counts["answered 503"] += clients.sold.statuses["503"]


async def _use_up_the_log(place: Place) -> None:
    """Begin new files of the log until none can be made; the server ends itself over it."""
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        superuser = await asyncpg.connect(place.server.start().dsn("postgres", user="postgres"), timeout=5)
        for _ in range(64):
            await superuser.execute("create table if not exists filler (x int)")
            await superuser.execute("insert into filler values (1)")
            await superuser.fetchval("select pg_switch_wal()")


@pytest.mark.fault_row(26)
async def test_the_disk_of_the_log_is_full(place: Place, small_disk: SmallDisk, row: FaultRow) -> None:
    small_disk.mount(160)
    await _move(place, small_disk, "pg_wal")
    async with Clients(place.api.base_url, place.shop, count=4) as clients:
        await clients.sells_again(since=time.monotonic(), seconds=SERVES_AGAIN_SECONDS)
        small_disk.fill()
        await _use_up_the_log(place)
        await _refused(clients, more=REFUSALS)
        small_disk.free()
        freed_at = time.monotonic()
        await _start_again(place)
        await clients.sells_again(since=freed_at, seconds=SERVES_AGAIN_SECONDS)
    assert place.api.is_alive
    _count(row, clients)
    assert "PANIC" in _complaints(place)
    await place.check(clients)


@pytest.mark.fault_row(26)
async def test_the_disk_of_the_tables_is_full(place: Place, small_disk: SmallDisk, row: FaultRow) -> None:
    small_disk.mount(96)
    await _move(place, small_disk, "base")
    async with Clients(place.api.base_url, place.shop, count=4) as clients:
        await clients.sells_again(since=time.monotonic(), seconds=SERVES_AGAIN_SECONDS)
        small_disk.fill()
        await _refused(clients, more=REFUSALS)
        small_disk.free()
        await clients.sells_again(since=time.monotonic(), seconds=SERVES_AGAIN_SECONDS)
    _count(row, clients)
    assert "could not extend file" in _complaints(place)
    await place.check(clients)


@pytest.mark.fault_row(26)
async def test_the_disk_of_the_backups_is_full(owner_dsn: str, small_disk: SmallDisk, row: FaultRow) -> None:
    small_disk.mount(16)
    private, public = new_identity()
    writer = {
        "DATABASE_URL": owner_dsn, "BACKUP_STORE": f"folder:{small_disk.folder}/store", "BACKUP_RECIPIENTS": public,
        "BACKUP_IDENTITY": private,
    }  # fmt: skip
    code, output = await payme("backup", "create", **writer)
    assert code == 0, output
    small_disk.fill()
    code, output = await payme("backup", "create", **writer)
    assert (code, "No space left on device" in output) == (75, True), output
    row.counts["refused"] += 1
    small_disk.free()
    code, output = await payme("backup", "prune", **writer)
    assert (code, "0 removed, 1 backups kept." in output) == (0, True), output
    assert [path.suffix for path in sorted((small_disk.folder / "store").rglob("*.*"))] == [".age", ".json"]
    code, output = await payme("backup", "verify", **writer)
    assert code == 0, output
    code, output = await payme("backup", "create", **writer)
    assert code == 0, output
    row.counts["applied"] += 2
