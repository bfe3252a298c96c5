"""The catalogue of the migrated database keeps the rules of tenancy, money and history."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from tests.architecture.catalogue_rules import (
    APPEND_ONLY,
    APPLICATION_ROLES,
    MAY_BE_DELETED,
    RULES,
    TABLES,
    WITHOUT_TENANT,
    CatalogueRule,
)

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

BREAK = {
    "every table has a primary key": "create table gone (business_id uuid not null)",
    "every tenant table has a business_id, a uuid that is never null": "create table gone (id uuid primary key)",
    "business_id comes first in every primary key, unique key and index of a tenant table": (
        "create index gone on products (id)"
    ),
    "a foreign key between tenant tables carries business_id to business_id": (
        "create table gone (business_id uuid, id uuid references businesses, primary key (business_id, id))"
    ),
    "a table without a tenant refers to no tenant table": (
        "alter table platform_settings add gone uuid references businesses"
    ),
    "row-level security is on and forced on every tenant table": "alter table products no force row level security",
    "every tenant table has a policy that binds reading and writing to the business of the transaction, read once": (
        "drop policy tenant on products"
    ),
    "another policy of a tenant table lets nobody write, and the application nothing": (
        "create policy gone on products using (true)"
    ),
    "the role of backups reads every table and every row of it, so that nothing is missing in a backup": (
        "drop policy backup on products"
    ),
    "a tenant table has no trigger and no rule": (
        "create trigger gone before update on products for each row "
        "execute function suppress_redundant_updates_trigger()"
    ),
    "no column is a float, a time without a zone, money or json text": "alter table products add gone real",
    "every amount in cents is a bigint": "alter table products add gone_cents integer",
    "no function runs with the rights of its owner": (
        "create function gone() returns int language sql security definer as 'select 1'"
    ),
}


@pytest.fixture
async def catalogue(owner_dsn: str) -> AsyncIterator[Connection]:
    """Give the owner's connection to the migrated database; what a test does to it is rolled back."""
    connection = await asyncpg.connect(owner_dsn)
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


async def breaches(catalogue: Connection, rule: CatalogueRule) -> list[str]:
    rows = await catalogue.fetch(TABLES + rule.breaches, sorted(WITHOUT_TENANT))
    return sorted(row[0] for row in rows)


async def tables(catalogue: Connection) -> set[str]:
    rows = await catalogue.fetch(f"{TABLES} select name from tables", sorted(WITHOUT_TENANT))
    return {row["name"] for row in rows}


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.sentence) for rule in RULES])
async def test_the_schema_keeps_the_rule(catalogue: Connection, rule: CatalogueRule):
    assert await breaches(catalogue, rule) == []


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.sentence) for rule in RULES])
async def test_the_rule_notices_when_it_is_broken(catalogue: Connection, rule: CatalogueRule):
    before = await breaches(catalogue, rule)
    await catalogue.execute(BREAK[rule.sentence])
    assert await breaches(catalogue, rule) != before


async def test_the_lists_name_tables_that_exist(catalogue: Connection):
    assert (WITHOUT_TENANT | APPEND_ONLY | MAY_BE_DELETED) - await tables(catalogue) == set()


@pytest.mark.parametrize("role", APPLICATION_ROLES)
async def test_a_role_of_the_application_owns_nothing_and_passes_no_policy(catalogue: Connection, role: str):
    row = await catalogue.fetchrow(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin from pg_roles where rolname = $1", role
    )
    assert row is not None
    assert not any(row.values())
    owned = "select c.relname from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname = $1"
    assert await catalogue.fetch(owned, role) == []


@pytest.mark.parametrize("role", APPLICATION_ROLES)
async def test_history_can_be_added_to_and_never_changed(catalogue: Connection, role: str):
    forbidden = """
        select t.name || ': ' || p.privilege
        from unnest($1::text[]) as t (name), unnest(array['UPDATE', 'DELETE', 'TRUNCATE']) as p (privilege)
        where has_table_privilege($2, t.name, p.privilege)
           or (p.privilege = 'UPDATE' and has_any_column_privilege($2, t.name, p.privilege))
    """
    assert [row[0] for row in await catalogue.fetch(forbidden, sorted(APPEND_ONLY), role)] == []


@pytest.mark.parametrize("role", APPLICATION_ROLES)
async def test_a_role_of_the_application_deletes_from_no_other_tenant_table(catalogue: Connection, role: str):
    deletable = f"{TABLES} select name from tables where has_tenant and has_table_privilege($2, table_oid, 'DELETE')"
    rows = await catalogue.fetch(deletable, sorted(WITHOUT_TENANT), role)
    assert {row["name"] for row in rows} <= MAY_BE_DELETED


@pytest.mark.parametrize("role", APPLICATION_ROLES)
async def test_a_role_without_a_tenant_sees_no_row_of_any(catalogue: Connection, role: str):
    business = "00000000-0000-7000-8000-000000000001"
    await catalogue.execute(f"set local payme.business_id = '{business}'")
    await catalogue.execute(
        "insert into businesses (business_id, name, created_at) values ($1, 'Duka', now())", business
    )
    await catalogue.execute(f'set local role "{role}"')
    assert await catalogue.fetchval("select count(*) from businesses") == 1
    for elsewhere in ("", "00000000-0000-7000-8000-000000000002"):
        await catalogue.execute(f"set local payme.business_id = '{elsewhere}'")
        assert await catalogue.fetchval("select count(*) from businesses") == 0
