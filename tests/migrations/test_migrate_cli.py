"""`payme migrate` as a person runs it."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from typer.testing import CliRunner

from payme.runtime.database.migrate_cli import app, migrations_folder
from payme.runtime.database.revisions import load_revisions


@pytest.fixture
async def empty(make_database: Callable[..., Awaitable[str]], monkeypatch: pytest.MonkeyPatch) -> str:
    dsn = await make_database(template="template0")
    monkeypatch.setenv("DATABASE_URL", dsn)
    return dsn


async def run(*arguments: str) -> tuple[int, str]:
    done = await asyncio.to_thread(CliRunner().invoke, app, list(arguments))
    return done.exit_code, done.output


async def test_up_brings_an_empty_database_to_the_head_and_status_and_plan_agree(empty: str) -> None:
    names = [revision.file_name for revision in load_revisions(migrations_folder())]
    assert names
    code, output = await run("plan")
    assert code == 3
    assert all(f"-- {name} (in a transaction)" in output or f"-- {name} (outside a" in output for name in names)
    code, output = await run("status")
    assert (code, output.splitlines()) == (0, [f"pending  {name}" for name in names])
    code, output = await run("up")
    assert code == 0
    assert output.rstrip().endswith(f"{len(names)} applied.")
    assert (await run("up"))[1].strip() == "Nothing to do."
    assert await run("plan") == (0, "Nothing to do.\n")
    code, output = await run("status")
    assert (code, output.splitlines()) == (0, [f"applied  {name}" for name in names])


async def test_a_refusal_is_a_sentence_and_an_exit_code(empty: str) -> None:
    await run("up")
    connection = await asyncpg.connect(empty)
    await connection.execute(
        "insert into schema_migrations values ('299901010000', 'contract', 'future', 'x', now(), 1)"
    )
    await connection.close()
    for command in ("up", "status", "plan"):
        code, output = await run(command)
        assert code == 1
        assert "299901010000, which this release does not know" in output
        assert "Traceback" not in output


async def test_wrong_settings_are_said_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://root:hidden@db/x")
    code, output = await run("up")
    assert code == 1
    assert "DATABASE_URL must look like postgresql://" in output
    assert "hidden" not in output
