"""Every query of a repository fits the migrated schema: its tables, its columns, its functions and their arguments."""

from pathlib import Path

import asyncpg
import pytest

from tools.ast_rules.source import Source
from tools.ast_rules.sql import DEFERS_SQL, sql_calls

ROOT = Path(__file__).resolve().parents[2]
FEATURES = ROOT / "src" / "payme" / "features"
REPOSITORIES = sorted([*FEATURES.glob("*/repository.py"), *FEATURES.glob("*/repository/[!_]*.py")])


def queries(file: Path) -> list[tuple[str, str | None]]:
    """Return place and text of each query in a file; a deferred call becomes the statement that the flush makes of it."""
    path = file.relative_to(ROOT).as_posix()
    return [
        (f"{path}:{call.line}", f"select {call.text}" if call.text and call.method in DEFERS_SQL else call.text)
        for call in sql_calls(Source(path, file.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize("file", REPOSITORIES, ids=lambda file: file.relative_to(FEATURES).as_posix())
async def test_every_query_prepares(owner_dsn: str, file: Path):
    connection = await asyncpg.connect(owner_dsn)
    broken: list[str] = []
    try:
        for place, text in queries(file):
            assert text, f"{place}: the text of this query cannot be read here"
            try:
                await connection.prepare(text)
            except asyncpg.PostgresError as error:
                broken.append(f"{place}: {error}")
    finally:
        await connection.close()
    assert broken == []


def test_queries_are_found():
    assert sum(len(queries(file)) for file in REPOSITORIES) >= len(REPOSITORIES) > 0
