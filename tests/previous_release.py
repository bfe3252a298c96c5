"""The release before, out of git: its own sources in a folder, run by this environment's interpreter on a database of its own.

Which commit it is stands in CHANGELOG.md, under the last version that was closed.
"""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from tests.faults.selling import FullShop

ROOT = Path(__file__).parent.parent
CLOSED = re.compile(
    r"^## (?P<version>\d+\.\d+\.\d+) - \d{4}-\d{2}-\d{2}\n\nCommit `(?P<commit>[0-9a-f]{40})`\.$", re.MULTILINE
)
PARTS = ("src", "simulator", "migrations", "tests")
POPULATE = """
import asyncio, json, os
import payme
from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.runtime.database import Database, PoolLimits
from payme.runtime.database.migrate_cli import migrator_for
from payme.runtime.settings import Settings
from tests.api_process import GENEROUS
from tests.faults.selling import make_full_shop

async def main():
    settings = Settings.from_values({**GENEROUS, "DATABASE_URL": os.environ["DATABASE_URL"]})
    migrator = migrator_for(settings)
    await migrator.up()
    database = await Database(migrator.dsn, limits=PoolLimits(connections=4), wiring=wire(tools_of(settings))).open()
    shop = await make_full_shop(database)
    await database.close()
    print(json.dumps([payme.__file__, str(shop.id), shop.api_key, [str(each) for each in shop.products]]))

asyncio.run(main())
"""


@dataclass(frozen=True)
class PreviousRelease:
    """The sources of a version."""

    version: str
    folder: Path

    def populate(self, dsn: str) -> FullShop:
        """Migrate an empty database as that release does, and make a shop with its services."""
        path = os.pathsep.join(str(self.folder / each) for each in ("src", "simulator", "."))
        done = subprocess.run(
            [sys.executable, "-c", POPULATE],
            cwd=self.folder,
            env={**os.environ, "DATABASE_URL": dsn, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        program, shop_id, api_key, products = json.loads(done.stdout.splitlines()[-1])
        assert Path(program).is_relative_to(self.folder), program
        return FullShop(UUID(shop_id), api_key, tuple(UUID(each) for each in products))


def last_closed() -> tuple[str, str]:
    """Return version and commit of the last version that was closed."""
    found = CLOSED.search((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert found is not None, "CHANGELOG.md names the commit of each version"
    return found["version"], found["commit"]


def unpack_previous(folder: Path) -> PreviousRelease:
    """Put that commit's sources into a folder; a clone without its history has no release before, and says so."""
    version, commit = last_closed()
    # A copy of the checkout, as mutants run in, has no history of its own.
    history = os.environ.get("PAYME_HISTORY", str(ROOT))
    packed = subprocess.run(["git", "archive", commit, *PARTS], cwd=history, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"commit {commit} of {version} is not in this clone: {packed.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return PreviousRelease(version, folder)
