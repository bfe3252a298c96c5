"""The log of a real worker is the anchor outside the database: `payme audit verify --anchor` finds what the chain alone cannot."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from payme.entrypoints.cli_audit import app as payme_audit
from payme.runtime.database import Database, PoolLimits
from tests.api_process import GENEROUS, ROOT
from tests.fault_rows import FaultRow
from tests.features.audit.forger import (
    Tamper,
    cut_tail,
    delete,
    delete_with_its_link,
    edit,
    insert,
    reorder,
    rewrite,
    take_everything,
)
from tests.features.audit.test_sealing import note, verify
from tests.people import Shop, identity_wiring, make_shop
from tests.postgres import copy_database, drop_database

pytestmark = pytest.mark.fault_row(30)
SEAL = "businesses.seal_audit"
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Anchored:
    """A database of its own, and the log of the worker that seals it."""

    dsn: str
    app: Database
    log: Path

    async def sealed_shop(self) -> Shop:
        """Return a shop with a history that is sealed, and whose last head stands in the worker's log."""
        shop = await make_shop(self.app)
        for number in range(4):
            await note(shop, "sale.completed", number=number)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := await verify(self.app, shop.id)).waiting or not self.has_noted(shop, found.sealed):
            assert time.monotonic() < deadline, f"the worker does not seal:\n{self.log.read_text()[-2000:]}"
            async with self.app.unit_of_work() as uow:
                uow.enqueue(SEAL, {}, dedupe_key=SEAL)
            await asyncio.sleep(0.05)
        return shop

    def has_noted(self, shop: Shop, position: int) -> bool:
        """Tell whether the log notes the head of the shop at a position."""
        lines = (each for each in self.log.read_text().splitlines() if str(shop.id) in each)
        return any(f'"position": {position},' in each.replace("}", ",") for each in lines)

    async def say(self, *arguments: object) -> Result:
        """Run `payme audit verify`."""
        words = ["verify", *map(str, arguments)]
        return await asyncio.to_thread(CliRunner(env={**GENEROUS, "DATABASE_URL": self.dsn}).invoke, payme_audit, words)


@pytest.fixture(scope="module")
def dsn(base_dsn: str, worker_name: str) -> Iterator[str]:
    name = f"anchor_{worker_name}"
    yield asyncio.run(copy_database(base_dsn, name))
    asyncio.run(drop_database(base_dsn, name))


@pytest.fixture(scope="module")
def worker_log(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The log of a worker that runs beside the tests."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    settings = {**GENEROUS, "LOG_LEVEL": "info", "DATABASE_URL": dsn, "PYTHONPATH": f"{ROOT / 'src'}"}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "payme.entrypoints.worker"],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    yield log
    process.terminate()
    process.wait(30)


@pytest_asyncio.fixture(scope="module")
async def anchored(dsn: str, worker_log: Path) -> AsyncIterator[Anchored]:
    app = await Database(dsn, limits=PoolLimits(connections=2), wiring=identity_wiring()).open()
    yield Anchored(dsn, app, worker_log)
    await app.close()


@pytest_asyncio.fixture
async def shop(anchored: Anchored) -> Shop:
    return await anchored.sealed_shop()


@pytest_asyncio.fixture
async def owner(anchored: Anchored, shop: Shop) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(anchored.dsn)
    await connection.execute("select set_config('payme.business_id', $1, false)", str(shop.id))
    await connection.execute("alter table audit_chain drop constraint if exists audit_chain_business_id_audit_id_fkey")
    yield connection
    await connection.close()


@pytest.mark.parametrize(
    ("tamper", "fault", "is_seen_inside"),
    [
        (edit, "altered", True),
        (delete, "missing", True),
        (delete_with_its_link, "altered", True),
        (insert, "slipped_in", True),
        (reorder, "altered", True),
        (cut_tail, "head_absent", False),
        (rewrite, "head_absent", False),
        (take_everything, "head_absent", False),
    ],
)
async def test_the_command_finds_every_forgery(
    anchored: Anchored, shop: Shop, owner: Any, tamper: Tamper, fault: str, is_seen_inside: bool, row: FaultRow
):
    sound = await anchored.say("--business", shop.id, "--anchor", anchored.log)
    assert sound.exit_code == 0, sound.output
    assert "held against" in sound.output
    await tamper(owner, shop)
    row.counts["sent"] += 1
    alone = await anchored.say("--business", shop.id)
    assert (alone.exit_code, f"  {fault}  " in alone.output) == ((1, True) if is_seen_inside else (0, False))
    found = await anchored.say("--business", shop.id, "--anchor", anchored.log)
    assert (found.exit_code, f"  {fault}  " in found.output) == (1, True), found.output
    row.counts["refused"] += 1


async def test_a_business_that_is_gone_from_the_database_is_missed(anchored: Anchored, row: FaultRow, tmp_path: Path):
    gone = "01a201e2-36e7-7784-936e-9e6561ef3bba"
    log = tmp_path / "worker.log"
    head = ":".join(["0badc0de"] * 8)
    log.write_text(f'api  | {{"business_id": "{gone}", "position": 7, "head": "{head}", "event": "audit.head"}}\n')
    found = await anchored.say("--anchor", log)
    assert found.exit_code == 1
    assert f"{gone}  1 fault(s)" in found.output
    assert "position 7" in found.output
    row.counts["refused"] += 1


@pytest.mark.parametrize(
    "text", ["", "nothing of this\n", '{"event": "audit.head"}\n', '{"event": "audit.head", "posi']
)
async def test_a_log_without_a_head_is_no_anchor(anchored: Anchored, text: str, tmp_path: Path, row: FaultRow):
    log = tmp_path / "worker.log"
    log.write_text(text)
    assert (await anchored.say("--anchor", log)).exit_code == 2
    assert (await anchored.say("--anchor", tmp_path / "none.log")).exit_code == 2
