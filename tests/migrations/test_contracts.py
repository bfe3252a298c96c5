"""When a revision may remove something: nobody in support needs it, and its backfill has left nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from payme.runtime.database.migrate_cli import app, migrations_folder
from payme.runtime.database.migrations import MigrationLimits, Migrator
from payme.runtime.database.revisions import Phase, load_revisions

MakeDatabase = Callable[..., Awaitable[str]]
CONTRACT = "209901010000_contract_shops.sql"
RECORDS = "202611221501_expand_releases_and_backfills.sql"
LAST_BEFORE = "202611220100_expand_foundation.sql"


class Room:
    """A database in use by a release of before, and a folder with one contract more."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn, self.folder = dsn, folder
        self.said: list[str] = []
        self.migrator = Migrator(dsn, folder, MigrationLimits(), self.said.append, release="0.2.0")

    def contract(self, *lines: str) -> None:
        (self.folder / CONTRACT).write_text("\n".join((*lines, "drop table shops;")))

    async def run(self, sql: str, *values: object) -> None:
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(sql, *values)
        finally:
            await connection.close()

    async def value(self, sql: str) -> object:
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    async def up(self) -> tuple[int, bool]:
        count = await self.migrator.up()
        return count, bool(await self.value("select to_regclass('shops') is null"))


@pytest.fixture
async def room(make_database: MakeDatabase, tmp_path: Path) -> Room:
    made = Room(await make_database(template="template0"), tmp_path)
    (tmp_path / LAST_BEFORE).write_text((migrations_folder() / LAST_BEFORE).read_text())
    (tmp_path / "202611220101_expand_shops.sql").write_text("create table shops (id int primary key);")
    await replace(made.migrator, release="").up()
    (tmp_path / RECORDS).write_text((migrations_folder() / RECORDS).read_text())
    return made


async def test_a_release_in_support_keeps_what_it_needs(room: Room) -> None:
    room.contract("-- payme: unused-since 0.2.0")
    assert await room.up() == (1, False)
    assert any("waits: release 0.1.0 needs what it removes, and is in support until 20" in each for each in room.said)
    rows = "select string_agg(release, ' ' order by first_at) from schema_releases"
    assert await room.value(rows) == "0.1.0 0.2.0"
    assert await room.up() == (0, False)
    # Two weeks later nobody goes back to it any more.
    await room.run("update schema_releases set first_at = first_at - make_interval(days => 15)")
    assert await room.up() == (1, True)


async def test_the_length_of_support_is_a_setting(room: Room) -> None:
    room.contract("-- payme: unused-since 0.2.0")
    room.migrator = replace(room.migrator, limits=MigrationLimits(support=timedelta(0)))
    assert await room.up() == (2, True)


async def test_a_release_that_does_not_run_yet_is_waited_for(room: Room) -> None:
    room.contract("-- payme: unused-since 0.10.0")
    room.migrator = replace(room.migrator, limits=MigrationLimits(support=timedelta(0)))
    assert await room.up() == (1, False), "0.2.0 itself still needs it"
    room.migrator = replace(room.migrator, release="0.10.0")
    assert await room.up() == (1, True)


async def test_a_backfill_that_left_something_is_waited_for(room: Room) -> None:
    room.contract("-- payme: unused-since 0.1.0", "-- payme: after-backfill shop_phones")
    assert await room.up() == (1, False)
    assert any("run payme migrate backfill shop_phones until" in each for each in room.said)
    await room.run("insert into backfills (name, left_over) values ('shop_phones', 3)")
    assert await room.up() == (0, False)
    await room.run("update backfills set left_over = 0, verified_at = now()")
    assert await room.up() == (1, True)


async def test_a_database_without_a_past_waits_for_nobody(make_database: MakeDatabase, room: Room) -> None:
    room.contract("-- payme: unused-since 0.2.0", "-- payme: after-backfill shop_phones")
    fresh = replace(room.migrator, dsn=await make_database(template="template0"))
    assert await fresh.up() == 4
    assert await fresh.waiting() == {}


async def test_what_stands_behind_a_waiting_contract_waits_too_and_says_so(room: Room) -> None:
    room.contract("-- payme: unused-since 0.2.0")
    (room.folder / "209901020000_expand_more.sql").write_text("create table more (id int primary key);")
    await room.up()
    reasons = {revision.file_name: reason for revision, reason in (await room.migrator.waiting()).items()}
    assert list(reasons) == [CONTRACT, "209901020000_expand_more.sql"]
    assert "release 0.1.0 needs" in str(reasons[CONTRACT])
    assert reasons["209901020000_expand_more.sql"] == f"209901020000_expand_more.sql waits for {CONTRACT}."


async def test_status_names_what_waits_and_a_failed_command_leaves_the_schema_alone(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.contract("-- payme: unused-since 0.2.0")
    monkeypatch.setenv("DATABASE_URL", room.dsn)
    monkeypatch.setattr("payme.runtime.database.migrate_cli.migrations_folder", lambda: room.folder)

    async def payme(*words: str) -> tuple[int, str]:
        done = await asyncio.to_thread(CliRunner().invoke, app, list(words))
        return done.exit_code, done.output

    monkeypatch.setenv("MIGRATION_BEFORE_COMMAND", "false")
    code, output = await payme("up")
    assert (code, output.splitlines()[-1]) == (1, "MIGRATION_BEFORE_COMMAND ended with 1; nothing was changed.")
    assert await room.value("select to_regclass('backfills')") is None
    monkeypatch.setenv("MIGRATION_BEFORE_COMMAND", f"touch '{room.folder}/a backup'")
    code, output = await payme("up")
    assert code == 0, output
    assert (room.folder / "a backup").exists()
    code, output = await payme("status")
    assert code == 0
    assert f"pending  {CONTRACT}" in output
    assert f"{CONTRACT} waits: release 0.1.0 needs what it removes" in output
    code, output = await payme("plan")
    assert code == 3
    assert "waits: release 0.1.0 needs" in output


def test_every_contract_says_since_when_nobody_needs_what_it_removes() -> None:
    contracts = [each for each in load_revisions(migrations_folder()) if each.phase is Phase.CONTRACT]
    assert [each.file_name for each in contracts if not each.directives.unused_since] == []
