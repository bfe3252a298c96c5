"""On a refusal nothing was written: every table of a business, compared before and after."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar
from uuid import UUID

import pytest

from payme.kit.errors import DomainError
from payme.runtime.database import Database, UnitOfWork

Refusal = TypeVar("Refusal", bound=DomainError)
TABLES = """
select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'business_id' and not a.attisdropped
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and has_table_privilege(c.oid, 'select') order by 1
"""
ROWS = "select '{0}' as name, count(*), md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {0} t where t.business_id = $1"
Traces = dict[str, tuple[int, str]]


class Tenant(Protocol):
    """A business and its database, as the fixtures know it."""

    database: Database
    business_id: UUID


async def traces(tenant: Tenant) -> Traces:
    """Return how many rows of the business each table holds, and their checksum."""

    async def work(uow: UnitOfWork) -> Traces:
        names = [row[0] for row in await uow.fetch(TABLES)]
        rows = await uow.fetch("\nunion all\n".join(map(ROWS.format, names)), tenant.business_id)
        return {row[0]: (row[1], row[2]) for row in rows}

    return await tenant.database.run(work, business_id=tenant.business_id, read_only=True)


@asynccontextmanager
async def unchanged(*tenants: Tenant) -> AsyncIterator[None]:
    """Fail when what happens inside writes anything for these businesses."""
    before = [await traces(each) for each in tenants]
    yield
    for tenant, earlier in zip(tenants, before, strict=True):
        now = await traces(tenant)
        assert {name for name in now if now[name] != earlier.get(name)} == set()


async def refused(tenant: Tenant, error: type[Refusal], work: Callable[[], Awaitable[Any]]) -> Refusal:
    """Expect a refusal that leaves no trace, and return it."""
    async with unchanged(tenant):
        with pytest.raises(error) as caught:
            await work()
    return caught.value
