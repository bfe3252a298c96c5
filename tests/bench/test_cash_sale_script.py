"""What pgbench runs as the cash sale is the cash sale: the same rows in the same tables, and sound books afterwards."""

import asyncio
import re
from pathlib import Path

import asyncpg

from bench.ground import Ground, open_database, settle
from bench.load import pgbench_command
from bench.pgbench_script import script
from bench.recording import record
from tests.bench.books import assert_books

SALES = 20
RECORDED = 2
UNTOUCHED, SOLD_IN = 1, 2
PASSING = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\dx\\a.]+Z")


async def test_pgbench_sells_as_the_service_does(open_folder: Path, tmp_path: Path):
    async with settle(open_folder / "town", shops=2, products=5, out=tmp_path) as ground:
        await sell(ground, SALES)
        town = ground.town
        untouched, sold_in, model = [
            await count_rows(ground, each)
            for each in (town.shop(UNTOUCHED), town.shop(SOLD_IN), town.model.business_id)
        ]
        by_service = {table: (rows - untouched[table]) / RECORDED for table, rows in model.items()}
        by_pgbench = {table: (rows - untouched[table]) / SALES for table, rows in sold_in.items()}
        # A copy of a batch or a level is not a new row, and a counter has one.
        shared = {"stock_levels", "till_counters", "sync_counters", "sync_changes"}
        assert {table: rows for table, rows in by_pgbench.items() if table not in shared} == {
            table: rows for table, rows in by_service.items() if table not in shared
        }
        assert by_pgbench["sales"] == 1
        assert by_pgbench["sale_lines"] == 3
        await assert_books(ground)


async def test_the_script_is_the_recording_and_nothing_else(open_folder: Path, tmp_path: Path):
    async with settle(open_folder / "town", shops=1, products=5, out=tmp_path) as ground:
        database = await open_database(ground.environment, connections=1).open()
        try:
            recording = await record(database, ground.town.model)
        finally:
            await database.close()
        kinds = [each.sql.split("\n")[0].split(";")[0] for each in recording.statements]
        assert kinds == ["begin", "-- sales.lock_facts", "-- unit_of_work.flush", "commit"]
        written = await asyncio.to_thread(ground.script.read_text)
        # The kept reply holds the ids and the instant of the sale that was recorded; nothing else does.
        assert PASSING.sub("…", script(recording, ground.town.model)) == PASSING.sub("…", written)


async def sell(ground: Ground, sales: int) -> None:
    command, environment = pgbench_command(ground, "-c", "2", "-t", str(sales // 2), shops=(SOLD_IN, SOLD_IN))
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert f"actually processed: {sales}/{sales}" in output.decode()


async def count_rows(ground: Ground, business_id: object) -> dict[str, int]:
    connection = await asyncpg.connect(ground.address.dsn(user="postgres"))
    try:
        tables = await connection.fetch(
            "select relname from pg_class c where relkind = 'r' and relrowsecurity and relnamespace = 'public'::regnamespace"
        )
        return {
            each["relname"]: await connection.fetchval(
                f'select count(*) from "{each["relname"]}" where business_id = $1', business_id
            )
            for each in tables
        }
    finally:
        await connection.close()
