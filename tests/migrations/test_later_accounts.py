"""A business that is older than an account gets it from the migration, as new ones get it from the chart."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncpg

from payme.runtime.database.migrations import Migrator
from payme.runtime.database.revisions import load_revisions

VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"
BEFORE = "202611220300"
OLD = [UUID(f"01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b{number}") for number in (11, 12)]
FOUND = """
select a.business_id, a.code, a.kind, a.unit, b.balance from accounts a
join account_balances b on b.business_id = a.business_id and b.account_id = a.id order by 1, 2
"""


ADDED = [
    ("bank", "asset"),
    ("credit_notes", "liability"),
    ("expenses_payable", "liability"),
    ("operating_expenses", "expense"),
    ("receivables", "asset"),
]


async def test_businesses_that_exist_get_the_accounts(
    make_database: Callable[..., Awaitable[str]], tmp_path: Path
) -> None:
    dsn = await make_database(template="template0")
    revisions = load_revisions(VERSIONS)
    for revision in revisions:
        if revision.version < BEFORE:
            (tmp_path / revision.file_name).write_text((VERSIONS / revision.file_name).read_text())
    await Migrator(dsn, tmp_path, say=lambda _: None).up()
    connection = await asyncpg.connect(dsn)
    try:
        # The owner of this database is no superuser, so row-level security binds whoever migrates, as on a hosted one.
        assert not await connection.fetchval(
            "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
        )
        for business_id in OLD:
            await connection.execute(f"set payme.business_id = '{business_id}'")
            await connection.execute(
                "insert into businesses (business_id, name, created_at) values ($1, 'Duka', now())", business_id
            )
        await connection.execute("reset payme.business_id")
        assert await Migrator(dsn, VERSIONS, say=lambda _: None).up() >= 1
        for business_id in OLD:
            await connection.execute(f"set payme.business_id = '{business_id}'")
            assert [tuple(row) for row in await connection.fetch(FOUND)] == [
                (business_id, code, kind, "KES", 0) for code, kind in ADDED
            ]
    finally:
        await connection.close()
