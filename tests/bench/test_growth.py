"""A database that was filled in bulk is one that was sold in: the same rows for each sale, sound books, whole indexes."""

from pathlib import Path

import asyncpg
import pytest

from bench import growth_load, growth_schema
from bench.ground import settle
from bench.growth_load import document_of, model_of
from tests.bench.books import assert_books

SHOPS, PRODUCTS, SALES = 3, 6, 300
A_SALE = {
    "sales": 1, "sale_lines": 3, "payments": 1, "stock_movements": 3, "postings": 4, "audit_log": 1, "events": 1, "sync_changes": 1,
}  # fmt: skip


async def test_a_loaded_database_holds_to_every_invariant(open_folder: Path, tmp_path: Path):
    async with settle(open_folder / "town", shops=SHOPS, products=PRODUCTS, out=tmp_path) as ground:
        dsn, model = ground.address.dsn(user="postgres"), ground.town.model
        before = await counts(dsn)
        said: list[str] = []
        await growth_load.load(dsn, model, shops=SHOPS, sales=SALES, advance=lambda what, _: said.append(what))
        after = await counts(dsn)
        assert {table: (after[table] - before[table]) / SALES for table in A_SALE} == A_SALE
        assert 1 <= after["idempotency_keys"] - before["idempotency_keys"] < SALES, "replies are kept for a day"
        assert said[-1] == "done"
        await assert_books(ground)
        assert model_of(document_of(model)) == model
        await check_renewal(dsn)


async def check_renewal(dsn: str) -> None:
    kept_dsn = dsn.replace("/payme", "/kept")
    server = await asyncpg.connect(dsn.replace("/payme", "/postgres"))
    await server.execute("create database kept template payme")
    await server.close()
    fresh, kept = await asyncpg.connect(dsn), await asyncpg.connect(kept_dsn)
    try:
        await kept.execute("create function of_yesterday() returns integer language sql as 'select 1'")
        await kept.execute("drop function tokens_charge")
        await growth_schema.renew(fresh, kept_dsn)
        names = "select array_agg(oid::regprocedure::text order by oid::regprocedure::text) from pg_proc where pronamespace = 'public'::regnamespace"
        assert await kept.fetchval(names) == await fresh.fetchval(names)
        await kept.execute("drop index sales_by_time")
        with pytest.raises(RuntimeError, match="sales_by_time"):
            await growth_schema.renew(fresh, kept_dsn)
    finally:
        await fresh.close()
        await kept.close()


async def counts(dsn: str) -> dict[str, int]:
    connection = await asyncpg.connect(dsn)
    try:
        assert await connection.fetchval("select count(*) from pg_index where not (indisvalid and indisready)") == 0
        return {
            table: await connection.fetchval(f'select count(*) from "{table}"')
            for table in (*A_SALE, "idempotency_keys")
        }
    finally:
        await connection.close()
