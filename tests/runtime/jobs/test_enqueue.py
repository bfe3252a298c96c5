import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries

from payme.kit.errors import Conflict
from payme.runtime.database import UnitOfWork
from payme.runtime.jobs.library import pinned_settings
from tests.runtime.jobs.conftest import ROOT, Queue

MIGRATION = ROOT / "migrations" / "versions" / "202611220200_expand_job_queue.sql"


def test_the_migration_holds_what_the_library_prints() -> None:
    program = Path(sys.executable).with_name("pgq")
    clean = {"PATH": os.environ["PATH"]}
    printed = subprocess.run([program, "sql", "install"], env=clean, capture_output=True, text=True, check=True).stdout
    ours = re.search(r"^-- begin pgqueuer\n(.*)^-- end pgqueuer$", MIGRATION.read_text(), re.DOTALL | re.MULTILINE)
    assert ours is not None
    assert ours[1].strip() == printed.strip()


@pytest.fixture
def hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "CHANNEL",
        "TRIGGER",
        "FUNCTION",
        "QUEUE_TABLE",
        "PGQUEUER_PREFIX",
        "PGQUEUER_SCHEMA",
        "PGQUEUER_CHANNEL",
    ):
        monkeypatch.setenv(name, "elsewhere")


def test_the_environment_cannot_rename_the_queue(hostile_environment: None) -> None:
    settings = pinned_settings()
    assert (settings.channel, settings.queue_table, settings.db_schema) == ("ch_pgqueuer", "pgqueuer", None)
    assert "elsewhere" not in repr(settings)


async def test_a_job_appears_with_its_transaction(queue: Queue) -> None:
    await queue.enqueue("probe.effect", {"cause": "a"})
    row = await queue.row("select entrypoint, payload, status::text from pgqueuer")
    assert (row["entrypoint"], row["status"]) == ("probe.effect", "queued")
    assert json.loads(row["payload"]) == {"cause": "a", "business_id": None}


async def test_a_job_vanishes_with_its_transaction(queue: Queue) -> None:
    async def change_its_mind(uow: UnitOfWork) -> None:
        uow.enqueue("probe.effect", {})
        await uow.flush()
        raise Conflict

    with pytest.raises(Conflict):
        await queue.app.run(change_its_mind)
    assert await queue.count("pgqueuer") == 0
    assert await queue.count("pgqueuer_log") == 0


async def test_a_dedupe_key_is_skipped_and_the_rest_commits(queue: Queue) -> None:
    await queue.enqueue("probe.effect", {"cause": "first"}, dedupe_key="k")
    async with queue.app.unit_of_work() as uow:
        uow.enqueue("probe.effect", {"cause": "second"}, dedupe_key="k")
        uow.enqueue("probe.effect", {"cause": "third"}, dedupe_key="k3")
        uow.enqueue("probe.effect", {"cause": "fourth"}, dedupe_key="k3")
        uow.enqueue("probe.effect", {"cause": "fifth"})
    payloads = await queue.owner.fetch("select payload from pgqueuer order by id")
    assert sorted(json.loads(row["payload"])["cause"] for row in payloads) == ["fifth", "first", "third"]
    assert await queue.count("pgqueuer_log") == 3


async def test_a_job_can_wait(queue: Queue) -> None:
    await queue.enqueue("probe.effect", execute_after=timedelta(minutes=5))
    assert await queue.count("pgqueuer", "execute_after between now() + '4 min' and now() + '5 min'") == 1


async def test_rows_are_those_that_the_library_would_write(queue: Queue) -> None:
    library = Queries(AsyncpgDriver(queue.owner))
    payload = json.dumps({"business_id": None, "x": 1}).encode()
    await library.enqueue(
        "probe.effect", payload, execute_after=timedelta(seconds=9), dedupe_key="theirs", on_conflict="skip"
    )
    await queue.enqueue("probe.effect", {"x": 1}, execute_after=timedelta(seconds=9), dedupe_key="ours")
    columns = (
        "priority, queue_manager_id, status, entrypoint, payload, attempts, slot, execute_after - created as delay,"
        " created = updated as fresh, heartbeat = created as alive"
    )
    theirs, ours = await queue.owner.fetch(f"select {columns} from pgqueuer order by id")
    assert dict(theirs) == dict(ours)
    theirs, ours = await queue.owner.fetch(
        "select status, priority, entrypoint, traceback, aggregated from pgqueuer_log order by id"
    )
    assert dict(theirs) == dict(ours)


@pytest.mark.parametrize(
    "sql", ["select payload from pgqueuer", "delete from pgqueuer", "select * from job_dead_letters"]
)
async def test_the_app_may_add_jobs_and_not_read_them(queue: Queue, sql: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await queue.app.run(lambda uow: uow.fetch(sql))
