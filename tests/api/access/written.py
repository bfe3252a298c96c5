"""Whether anything was written: a count and a checksum of every tenant table, as the owner of the tables sees one business."""

from typing import Any

import asyncpg

from payme.runtime.database import Database, UnitOfWork
from tests.architecture.catalogue_rules import WITHOUT_TENANT
from tests.people import Shop

TABLES = """
select c.relname from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> all ($1::text[])
order by c.relname
"""
ASKED = frozenset({"sync_audit"})
"""What devices asked for is kept too; it is a record of requests, and reading is one."""


async def tenant_tables(dsn: str) -> list[str]:
    """Name every table that has a tenant."""
    connection = await asyncpg.connect(dsn)
    try:
        return [row["relname"] for row in await connection.fetch(TABLES, sorted(WITHOUT_TENANT))]
    finally:
        await connection.close()


async def checksums(database: Database, *shops: Shop) -> dict[tuple[str, str], tuple[int, Any]]:
    """Return how many rows each shop has in each tenant table, and a checksum of them."""
    tables = [name for name in await tenant_tables(database.dsn) if name not in ASKED]
    sql = " union all ".join(
        f"select '{name}', count(*), sum(hashtextextended(t::text, 0)::numeric) from {name} t where business_id = $1"
        for name in tables
    )
    found: dict[tuple[str, str], tuple[int, Any]] = {}
    for shop in shops:

        async def look(uow: UnitOfWork, of: Shop = shop) -> list[Any]:
            return await uow.fetch(sql, of.id)

        for name, count, total in await database.run(look, business_id=shop.id, read_only=True):
            found[str(shop.id), name] = (count, total)
    return found
