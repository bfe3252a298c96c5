"""Constraints that old rows were not tried against: each is listed with a deadline, and none is forgotten."""

import re
import tomllib
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg

ROOT = Path(__file__).parents[2]
LIST = ROOT / "migrations" / "pending_constraints.toml"
UNTRIED = """
select conrelid::regclass::text || '.' || conname from pg_constraint
where not convalidated and connamespace = 'public'::regnamespace
"""


def entries() -> list[dict[str, Any]]:
    return tomllib.loads(LIST.read_text(encoding="utf-8")).get("constraint", [])


async def test_the_list_names_exactly_what_the_database_has_not_tried(
    make_database: Callable[..., Awaitable[str]],
) -> None:
    connection = await asyncpg.connect(await make_database())
    try:
        found = {row[0] for row in await connection.fetch(UNTRIED)}
    finally:
        await connection.close()
    listed = [f"{each['table']}.{each['name']}" for each in entries()]
    assert sorted(listed) == sorted(found)


def test_no_deadline_has_passed_and_each_says_where_it_came_from() -> None:
    today = datetime.now(UTC).date()
    for each in entries():
        assert set(each) == {"table", "name", "since", "validate_by"}, each
        assert isinstance(each["validate_by"], date)
        assert each["validate_by"] >= today, f"validate {each['table']}.{each['name']}: its day has come"
        [revision] = (ROOT / "migrations" / "versions").glob(f"{each['since']}_*.sql")
        text = revision.read_text(encoding="utf-8")
        assert re.search(rf"add constraint {each['name']}\b", text), revision.name
        assert "not valid" in text
