"""The migration runner on a real database, with revisions of our own in a temporary folder."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg
import pytest

from payme.runtime.database.migrations import ADVISORY_KEY, MigrationLimits, Migrator
from payme.runtime.database.revisions import MigrationError

MakeDatabase = Callable[..., Awaitable[str]]
TABLES = "select string_agg(relname, ',' order by relname) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"


@dataclass
class Bench:
    """A folder of revisions, an empty database, and what the runner said."""

    dsn: str
    folder: Path
    said: list[str] = field(default_factory=list[str])

    def write(self, name: str, sql: str) -> None:
        (self.folder / name).write_text(sql)

    def migrator(self, **limits: float) -> Migrator:
        settings = {"pause_seconds": 0.01, **limits}
        return Migrator(self.dsn, self.folder, MigrationLimits(**settings), self.said.append)  # pyright: ignore[reportArgumentType] -- counts are whole

    async def value(self, sql: str) -> object:
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()


@pytest.fixture
async def bench(make_database: MakeDatabase, tmp_path: Path) -> Bench:
    made = Bench(await make_database(template="template0"), tmp_path)
    made.write("202601010000_expand_shops.sql", "create table shops (id int primary key, name text);")
    made.write(
        "202601020000_expand_sales.sql", "create table sales (id int primary key); insert into sales values (1), (2);"
    )
    return made


async def test_an_empty_database_gets_everything_once_and_a_second_run_does_nothing(bench: Bench) -> None:
    assert [revision.version for revision in await bench.migrator().pending()] == ["202601010000", "202601020000"]
    assert await bench.value(TABLES) is None, "looking must write nothing"
    assert await bench.migrator().up() == 2
    assert await bench.value(TABLES) == "sales,schema_migrations,shops"
    assert await bench.migrator().up() == 0
    assert await bench.value("select count(*) from sales") == 2
    assert list(await bench.migrator().applied()) == ["202601010000", "202601020000"]
    assert any("[1/2] 202601010000_expand_shops.sql" in line for line in bench.said)


async def test_the_record_says_what_when_and_how_long(bench: Bench) -> None:
    await bench.migrator().up()
    row = await bench.value(
        "select (phase, what, length(checksum), duration_ms >= 0, applied_at <= now())::text from schema_migrations"
    )
    assert row == "(expand,shops,64,t,t)"


async def test_a_changed_file_is_refused(bench: Bench) -> None:
    await bench.migrator().up()
    bench.write("202601010000_expand_shops.sql", "create table shops (id bigint primary key);")
    bench.write("202601030000_expand_more.sql", "create table more (id int);")
    with pytest.raises(MigrationError, match=r"202601010000_expand_shops.sql was changed after it was applied"):
        await bench.migrator().up()
    assert await bench.value(TABLES) == "sales,schema_migrations,shops"


async def test_a_missing_file_is_refused(bench: Bench) -> None:
    await bench.migrator().up()
    (bench.folder / "202601010000_expand_shops.sql").unlink()
    with pytest.raises(MigrationError, match="202601010000, which this release does not know"):
        await bench.migrator().pending()


async def test_the_release_before_runs_on_a_schema_that_was_expanded(bench: Bench) -> None:
    await bench.migrator().up()
    (bench.folder / "202601020000_expand_sales.sql").unlink()
    assert await bench.migrator().pending() == ()
    assert await bench.migrator().up() == 0
    assert await bench.value(TABLES) == "sales,schema_migrations,shops"


async def test_the_release_before_is_refused_once_something_was_removed(bench: Bench) -> None:
    bench.write("202601030000_contract_sales.sql", "drop table sales;")
    await bench.migrator().up()
    (bench.folder / "202601030000_contract_sales.sql").unlink()
    with pytest.raises(MigrationError, match="202601030000, which this release does not know"):
        await bench.migrator().up()


async def test_a_revision_older_than_the_newest_applied_is_refused(bench: Bench) -> None:
    await bench.migrator().up()
    bench.write("202601011200_expand_between.sql", "create table between_them (id int);")
    with pytest.raises(MigrationError, match="older than 202601020000"):
        await bench.migrator().up()
    assert await bench.value("select to_regclass('between_them')") is None


@pytest.mark.parametrize(
    ("name", "sql", "reason"),
    [
        ("20260103_expand_x.sql", "select 1", "is not named"),
        ("202601030000_drop_x.sql", "select 1", "is not named"),
        ("202601030000_expand_X.sql", "select 1", "is not named"),
        ("202601020000_contract_x.sql", "select 1", "same version"),
        ("202601030000_expand_x.sql", "create table x (id int);\ncommit;", "begins or ends a transaction"),
        (
            "202601030000_expand_x.sql",
            "-- payme: no-transaction\ncreate index concurrently i on shops (id)",
            "if not exists",
        ),
    ],
)
async def test_files_that_could_not_be_undone_are_refused_before_anything_runs(
    bench: Bench, name: str, sql: str, reason: str
) -> None:
    bench.write(name, sql)
    with pytest.raises(MigrationError, match=reason):
        await bench.migrator().up()
    assert await bench.value(TABLES) is None


async def test_a_failing_revision_leaves_nothing_of_itself_and_names_its_line(bench: Bench) -> None:
    bench.write(
        "202601030000_expand_broken.sql",
        "create table broken (id int);\ninsert into broken values (1);\nselect nothing_such;",
    )
    with pytest.raises(MigrationError, match=r"202601030000_expand_broken.sql, line 3: .*nothing_such"):
        await bench.migrator().up()
    assert await bench.value(TABLES) == "sales,schema_migrations,shops"
    assert len(await bench.migrator().applied()) == 2
    bench.write("202601030000_expand_broken.sql", "create table broken (id int);")
    assert await bench.migrator().up() == 1


async def test_two_runners_at_once_apply_each_revision_once(bench: Bench) -> None:
    bench.write("202601030000_expand_slow.sql", "create table slow (id int); select pg_sleep(0.3);")
    counts = await asyncio.gather(*(bench.migrator().up() for _ in range(4)))
    assert sorted(counts) == [0, 0, 0, 3]
    assert await bench.value("select count(*) from sales") == 2


async def test_waiting_for_another_runner_has_an_end(bench: Bench) -> None:
    bench.write("202601030000_expand_slow.sql", "select pg_sleep(20);")
    slow = asyncio.ensure_future(bench.migrator().up())
    try:
        while len(bench.said) < 5:
            await asyncio.sleep(0.01)
        with pytest.raises(MigrationError, match="running for too long"):
            await bench.migrator(wait_for_others_seconds=0.1).up()
    finally:
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)


async def test_an_index_is_built_concurrently_outside_a_transaction(bench: Bench) -> None:
    bench.write(
        "202601030000_expand_index.sql",
        "-- payme: no-transaction\ncreate index concurrently if not exists by_name on shops (name);\n"
        "create index concurrently if not exists by_letter\n  on shops (left(name, 1));\n",
    )
    assert await bench.migrator().up() == 3
    for name in ("by_name", "by_letter"):
        assert await bench.value(f"select indisvalid from pg_index where indexrelid = '{name}'::regclass") is True


async def test_two_runners_do_not_hang_beside_a_concurrent_index(bench: Bench) -> None:
    bench.write(
        "202601030000_expand_index.sql",
        "-- payme: no-transaction\ncreate index concurrently if not exists by_name on shops (name);",
    )
    async with asyncio.timeout(20):
        assert sorted(await asyncio.gather(bench.migrator().up(), bench.migrator().up())) == [0, 3]


async def test_an_unfinished_index_stops_the_next_run_in_words(bench: Bench) -> None:
    unique = "-- payme: no-transaction\ncreate unique index concurrently if not exists once on sales ((id / 10));"
    bench.write("202601030000_expand_index.sql", unique)
    with pytest.raises(MigrationError, match=r"202601030000_expand_index.sql: .*once"):
        await bench.migrator().up()
    with pytest.raises(MigrationError, match="unfinished: once"):
        await bench.migrator().up()
    assert len(await bench.migrator().applied()) == 2


async def test_a_held_lock_is_given_way_to_and_tried_again(bench: Bench) -> None:
    await bench.migrator().up()
    bench.write("202601030000_expand_column.sql", "alter table shops add column phone text;")
    blocker = await asyncpg.connect(bench.dsn)
    await blocker.execute("begin")
    await blocker.execute("select * from shops")
    with pytest.raises(MigrationError, match="lock timeout"):
        await bench.migrator(lock_seconds=0.05, attempts=2).up()
    waiting = asyncio.ensure_future(bench.migrator(lock_seconds=0.05, attempts=1000).up())
    while not any("trying 202601030000_expand_column.sql again" in line for line in bench.said[-2:]):
        await asyncio.sleep(0.01)
    await blocker.execute("rollback")
    await blocker.close()
    assert await waiting == 1


async def test_a_deploy_can_stop_before_the_first_contract(bench: Bench) -> None:
    bench.write("202601030000_contract_names.sql", "alter table shops drop column name;")
    bench.write("202601040000_expand_later.sql", "create table later (id int);")
    assert await bench.migrator().up(stop_before_contract=True) == 2
    assert await bench.migrator().up() == 2


async def test_the_roles_exist_own_nothing_and_can_be_taken_on(bench: Bench) -> None:
    await bench.migrator().up()
    connection = await asyncpg.connect(bench.dsn)
    for role in ("payme_app", "payme_worker"):
        await connection.execute(f"set role {role}")
        assert await connection.fetchval("select count(*) from schema_migrations") == 2
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("create table mine (id int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("delete from schema_migrations")
        await connection.execute("reset role")
    sql = "select count(*) from pg_roles where rolname ~ '^payme_(app|worker)$' and not rolcanlogin and not rolsuper and not rolbypassrls"
    assert await connection.fetchval(sql) == 2
    await connection.close()


async def test_an_unreachable_database_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="cannot be reached"):
        await Migrator("postgresql://nobody@127.0.0.1:1/none", tmp_path).up()
    with pytest.raises(MigrationError, match="no folder of migrations"):
        await Migrator("postgresql://nobody@127.0.0.1:1/none", tmp_path / "none").up()


HOLD = (
    "-- payme: lock-seconds 0.05\nalter table shops add column phone text;",
    "-- payme: statement-seconds 0.05\nselect pg_sleep(20);",
)


async def test_a_revision_brings_its_own_time_outs(bench: Bench) -> None:
    await bench.migrator().up()
    blocker = await asyncpg.connect(bench.dsn)
    await blocker.execute("begin; select * from shops")
    bench.write("202601030000_expand_column.sql", HOLD[0])
    async with asyncio.timeout(10):
        with pytest.raises(MigrationError, match="lock timeout"):
            await bench.migrator(lock_seconds=30, attempts=2).up()
    await blocker.close()
    bench.write("202601030000_expand_column.sql", HOLD[1])
    async with asyncio.timeout(10):
        with pytest.raises(MigrationError, match="statement timeout"):
            await bench.migrator(statement_seconds=30).up()
    assert await bench.value("select count(*) from schema_migrations") == 2


async def test_who_waits_for_another_runner_is_told_who_holds_the_lock(bench: Bench) -> None:
    holder = await asyncpg.connect(bench.dsn, server_settings={"application_name": "the other one"})
    await holder.execute("select pg_advisory_lock($1)", ADVISORY_KEY)
    pid = holder.get_server_pid()
    with pytest.raises(MigrationError, match=rf"process {pid}, the other one.*, since 20"):
        await bench.migrator(wait_for_others_seconds=0.05).up()
    assert any(f"process {pid}, the other one" in line for line in bench.said)
    assert await bench.value(TABLES) is None
    await holder.close()
    assert await bench.migrator().up() == 2


@pytest.mark.parametrize("fails", [True, False])
async def test_what_runs_before_runs_under_the_lock_and_stops_everything_where_it_fails(
    bench: Bench, *, fails: bool
) -> None:
    heard: list[object] = []

    async def before() -> None:
        other = await asyncpg.connect(bench.dsn)
        heard.append(await other.fetchval("select pg_try_advisory_lock($1)", ADVISORY_KEY))
        await other.close()
        if fails:
            raise MigrationError("the backup did not succeed")

    migrator = replace(bench.migrator(), before=before)
    assert await migrator.up() == 2
    assert heard == [], "a database that nobody used needs no backup"
    bench.write("202601030000_expand_column.sql", "alter table shops add column phone text;")
    if fails:
        with pytest.raises(MigrationError, match="the backup did not succeed"):
            await migrator.up()
    else:
        assert await migrator.up() == 1
        assert await migrator.up() == 0, "and nothing is backed up for nothing"
    assert heard == [False]
    columns = "select count(*) from pg_attribute where attrelid = 'shops'::regclass and attname = 'phone'"
    assert await bench.value(columns) == (0 if fails else 1)
