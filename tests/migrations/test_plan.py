"""What the plan says of a revision: its locks as PostgreSQL really takes them, its time-outs, and what it waits for."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from payme.runtime.database.locks import Lock, TableLock, locks_of
from payme.runtime.database.migrations import CREATE_RECORD, Migrator
from payme.runtime.database.plans import describe_revision
from payme.runtime.database.revisions import MigrationError, load_revisions
from payme.runtime.database.roles import ensure_roles

MakeDatabase = Callable[..., Awaitable[str]]
VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"
MODES = {
    "ShareUpdateExclusiveLock": Lock.SHARE_UPDATE_EXCLUSIVE,
    "ShareLock": Lock.SHARE,
    "ShareRowExclusiveLock": Lock.SHARE_ROW_EXCLUSIVE,
    "AccessExclusiveLock": Lock.ACCESS_EXCLUSIVE,
}
TAKEN = """
select c.relname, l.mode from pg_locks l join pg_class c on c.oid = l.relation
where l.pid = pg_backend_pid() and l.granted and c.relkind in ('r', 'p') and c.oid = any($1)
"""
TABLES = "select oid from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"


async def test_every_revision_takes_the_locks_that_the_plan_tells(make_database: MakeDatabase) -> None:
    connection = await asyncpg.connect(await make_database(template="template0"))
    try:
        await ensure_roles(connection)
        await connection.execute(CREATE_RECORD)
        for revision in load_revisions(VERSIONS):
            if not revision.in_transaction:
                for statement in revision.statements:
                    await connection.execute(statement)
                continue
            before = [row[0] for row in await connection.fetch(TABLES)]
            async with connection.transaction():
                await connection.execute(revision.sql)
                taken = strongest(await connection.fetch(TAKEN, before))
            told = {each.table: each.lock for each in locks_of(revision.sql)}
            told = {table: lock for table, lock in told.items() if lock > Lock.SHARE_UPDATE_EXCLUSIVE}
            assert told == taken, revision.file_name
    finally:
        await connection.close()


def strongest(rows: list[asyncpg.Record]) -> dict[str, Lock]:
    found: dict[str, Lock] = {}
    for row in rows:
        lock = MODES.get(row["mode"], Lock.ROW_EXCLUSIVE)
        if lock > Lock.SHARE_UPDATE_EXCLUSIVE:
            found[row["relname"]] = max(lock, found.get(row["relname"], lock))
    return found


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("alter table a add column b int", [("a", Lock.ACCESS_EXCLUSIVE)]),
        ("alter table a validate constraint c", [("a", Lock.SHARE_UPDATE_EXCLUSIVE)]),
        ("create index concurrently if not exists i\n  on a (b)", [("a", Lock.SHARE_UPDATE_EXCLUSIVE)]),
        ("create unique index i on a (b)", [("a", Lock.SHARE)]),
        (
            "alter table a add constraint f foreign key (b, c) references d not valid",
            [("a", Lock.SHARE_ROW_EXCLUSIVE), ("d", Lock.SHARE_ROW_EXCLUSIVE)],
        ),
        ("create table n (id int references d); alter table n add column x int", [("d", Lock.SHARE_ROW_EXCLUSIVE)]),
        ("update a set b = 1 where c = 'drop table x;'", [("a", Lock.ROW_EXCLUSIVE)]),
        ("create function f() returns void language sql as $$ delete from a $$", []),
        ("-- drop table a;\ndrop table if exists b", [("b", Lock.ACCESS_EXCLUSIVE)]),
    ],
)
def test_the_locks_of_a_statement(sql: str, expected: list[tuple[str, Lock]]) -> None:
    assert list(locks_of(sql)) == [TableLock(table, lock) for table, lock in expected]


def test_a_plan_names_kind_locks_and_the_revisions_own_time_outs(tmp_path: Path) -> None:
    (tmp_path / "202601010000_expand_phone.sql").write_text(
        "-- payme: lock-seconds 0.5\n-- payme: statement-seconds 20\nalter table shops add column phone text;"
    )
    (tmp_path / "202601020000_contract_name.sql").write_text(
        "-- payme: unused-since 0.3.0\nalter table shops drop name;"
    )
    migrator = Migrator("postgresql://nobody@127.0.0.1:1/none", tmp_path)
    first, second = load_revisions(tmp_path)
    text = describe_revision(migrator, first, None)
    assert "kind: expand: adds" in text
    assert "locks shops: ACCESS EXCLUSIVE (nobody reads or writes meanwhile)" in text
    assert "it gives way after 0.5 s, then again; a statement may take 20 s" in text
    text = describe_revision(migrator, second, "it waits.")
    assert "kind: contract: removes" in text
    assert "it gives way after 2 s, then again; a statement may take 900 s" in text
    assert "--   it waits." in text


@pytest.mark.parametrize(
    "line",
    [
        "-- payme: lock-second 1",
        "-- payme: lock-seconds soon",
        "-- payme: statement-seconds",
        "-- payme: unused-since 1.0",
        "-- payme: after-backfill ../x",
        "-- payme: lock-seconds 1\n-- payme: lock-seconds 2",
        "select 1;\n-- payme: no-transaction",
    ],
)
def test_a_slip_of_the_pen_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "202601010000_expand_x.sql").write_text(f"{line}\nselect 1;")
    with pytest.raises(MigrationError, match=r"202601010000_expand_x\.sql"):
        load_revisions(tmp_path)
