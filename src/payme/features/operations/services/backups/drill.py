"""Try the newest backup: restore it into a scratch server, hold it against its manifest and every invariant, and note how it went.

The scratch server lives in a temporary folder of this machine and is deleted at the end; while it lives, its disk holds the shops'
data in the clear, so drills belong on a machine that may see them.
"""

import asyncio
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from payme.features.operations.errors import BackupError
from payme.features.operations.schemas import Drill, Manifest, Report
from payme.features.operations.services.backups.restore import Destination, OpenAt, restore_backup
from payme.features.operations.services.backups.shelf import DRILLS, Progress, Shelf, silent
from payme.features.operations.services.invariants import check_all
from payme.integrations.objectstore import StoreRefused, StoreUnavailable
from payme.runtime.database.dumps import DumpError
from payme.runtime.database.embedded import EmbeddedServer, EmbeddedServerError


@dataclass(frozen=True, slots=True)
class Bench:
    """What a drill works with besides the backup: the private key, how to open a database, and where scratch data may lie."""

    identity: str
    open_at: OpenAt
    folder: Path = Path("/var/tmp")  # noqa: S108 -- a folder of our own is made in it


async def drill_backup(shelf: Shelf, manifest: Manifest, bench: Bench, *, show: Progress = silent) -> Drill:
    """Restore a backup, check it, record the result beside the backups and return it. Raises: store errors."""
    began, at = time.monotonic(), shelf.clock.now()
    faults, report = list[str](), Report(businesses=0, findings=[])
    try:
        report = await _try(shelf, manifest, bench, show=show)
        faults += [f"{each.name}: {each.violations}" for each in report.findings if each.violations]
    except (BackupError, DumpError, EmbeddedServerError, StoreUnavailable, StoreRefused) as error:
        faults.append(str(error))
    result = Drill(
        backup_id=manifest.id,
        drilled_at=at,
        recovery_point_seconds=int((at - manifest.created_at).total_seconds()),
        recovery_seconds=round(time.monotonic() - began),
        businesses=report.businesses,
        invariants=len(report.findings),
        rows=sum(manifest.contents.rows.values()),
        faults=faults,
    )
    await asyncio.to_thread(shelf.add, f"{DRILLS}{at:%Y%m%dT%H%M%SZ}-{manifest.id[-6:]}.json", result)
    return result


async def _try(shelf: Shelf, manifest: Manifest, bench: Bench, *, show: Progress) -> Report:
    with _scratch(bench.folder) as made:
        server = EmbeddedServer(made / "data", durable=False, tied=True)
        try:
            show("starting a server", 0, None)
            url = (await asyncio.to_thread(server.start)).dsn("payme")
            await restore_backup(shelf, manifest, Destination(url), identity=bench.identity, show=show)
            async with bench.open_at(url) as database:
                return await check_all(database, advance=lambda done, total: show("checking businesses", done, total))
        finally:
            await asyncio.to_thread(server.destroy)


@contextmanager
def _scratch(folder: Path) -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="payme-drill-", dir=folder) as made:
        # Whoever runs PostgreSQL has to enter; its own folder inside is closed to others.
        Path(made).chmod(0o755)
        yield Path(made)
