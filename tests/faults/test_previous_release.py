"""The release before goes on selling while its database is migrated, while the migration is killed, and afterwards."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.runtime.database import Database, PoolLimits
from payme.runtime.database.migrate_cli import migrations_folder
from payme.runtime.database.migrations import Migrator
from payme.runtime.settings import Settings
from tests.api_process import GENEROUS, ApiProcess
from tests.fault_rows import FaultRow
from tests.faults.selling import Clients, FullShop, hold_against_the_books
from tests.invariants import assert_invariants
from tests.previous_release import ROOT, PreviousRelease, unpack_previous

READY_SECONDS = 30.0
KILLS = FaultRow.size(1, 100)
IN_THE_MIDDLE = "select count(*) from pg_stat_activity where application_name = 'payme migrate' and wait_event_type = 'Lock' and datname = current_database()"
GONE = "select count(*) = 0 from pg_stat_activity where application_name = 'payme migrate' and datname = current_database()"
pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]


@dataclass
class Before:
    """The release before, the database that it populated, and its shop."""

    release: PreviousRelease
    dsn: str
    shop: FullShop

    def migrator(self, folder: Path | None = None) -> Migrator:
        return Migrator(self.dsn, folder or migrations_folder(), say=lambda _: None, release="0.2.0")

    def api(self, log: Path) -> ApiProcess:
        return ApiProcess(self.dsn, log, root=self.release.folder)


@pytest_asyncio.fixture
async def before(make_database: Callable[..., Awaitable[str]], tmp_path: Path) -> AsyncIterator[Before]:
    release = unpack_previous(tmp_path / "previous")
    dsn = await make_database(template="template0")
    shop = await asyncio.to_thread(release.populate, dsn)
    yield Before(release, dsn, shop)


async def kill_in_the_middle(dsn: str) -> None:
    """Kill `payme migrate up` when everything of a revision is done but its record."""
    # Who looks does it outside a transaction, inside of which PostgreSQL shows one moment only.
    holder, observer = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    await holder.execute("begin; lock table schema_migrations in share mode")
    process = start_migrating(dsn)
    try:
        await until(observer, IN_THE_MIDDLE, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        await holder.execute("rollback")
    await until(observer, GONE)
    await holder.close()
    await observer.close()


def start_migrating(dsn: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(str(ROOT / each) for each in ("src", "simulator", "."))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.deploy.payme_command", "migrate", "up"],
        cwd=ROOT,
        env={**os.environ, **GENEROUS, "DATABASE_URL": dsn, "PYTHONPATH": path, "MIGRATION_LOCK_SECONDS": "60"},
        stdout=subprocess.DEVNULL,
    )


async def until(connection: asyncpg.Connection, sql: str, process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not await connection.fetchval(sql):
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None, "it ended before it was killed"
        await asyncio.sleep(0.02)


@pytest.mark.fault_row(36)
async def test_the_release_before_sells_on_while_and_after_its_schema_changes(
    before: Before, tmp_path: Path, row: FaultRow
) -> None:
    pending = await before.migrator().pending()
    assert pending, "a release without a change of the schema proves nothing here"
    with before.api(tmp_path / "api.log") as api:
        async with Clients(api.base_url, before.shop, count=2) as clients:
            await clients.sells_again(since=time.monotonic(), seconds=READY_SECONDS)
            for number, revision in enumerate(pending[:KILLS]):
                await kill_in_the_middle(before.dsn)
                row.counts["kills"] += 1
                left = await before.migrator().pending()
                assert left == pending[number:], "nothing of it stays"
                await apply_one(before, tmp_path / f"up to {number}", revision.version)
            assert await before.migrator().up() == len(pending) - min(KILLS, len(pending))
            await clients.sells_again(since=time.monotonic(), seconds=READY_SECONDS)
        api.stop()
        # One goes back: the release before is started anew on the schema of its successor.
        api.start()
        api.wait_until_ready()
        back = Clients(api.base_url, before.shop, count=1, sold=clients.sold)
        async with back:
            await back.sells_again(since=time.monotonic(), seconds=READY_SECONDS)
    row.counts["acknowledged"] += len(clients.sold.acknowledged)
    assert clients.sold.faults == []
    assert set(clients.sold.statuses) <= {"201", "replayed"}, "nobody was sent away"
    wiring = wire(tools_of(Settings.from_values({**GENEROUS, "DATABASE_URL": before.dsn})))
    database = await Database(before.dsn, limits=PoolLimits(connections=2), wiring=wiring).open()
    try:
        await hold_against_the_books(database, before.shop, clients.sold)
        await assert_invariants(database, before.shop.id)
    finally:
        await database.close()


async def apply_one(before: Before, folder: Path, version: str) -> None:
    """Apply what is pending up to a version and no further."""
    copy_up_to(folder, version)
    assert await before.migrator(folder).up() == 1


def copy_up_to(folder: Path, version: str) -> None:
    folder.mkdir()
    for file in migrations_folder().glob("*.sql"):
        if file.name[:12] <= version:
            (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
