"""The owner of the tables, as somebody who has broken in to where the application cannot."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest_asyncio

from tests.people import Shop


@pytest_asyncio.fixture
async def owner(owner_dsn: str, shop: Shop) -> AsyncIterator[Any]:
    """The owner of the tables, with every protection that an owner can switch off switched off."""
    connection = await asyncpg.connect(owner_dsn)
    await connection.execute("select set_config('payme.business_id', $1, false)", str(shop.id))
    await connection.execute("alter table audit_chain drop constraint if exists audit_chain_business_id_audit_id_fkey")
    yield connection
    await connection.execute(
        "delete from audit_chain c where not exists (select from audit_log l where l.id = c.audit_id)"
    )
    await connection.execute(
        "alter table audit_chain add constraint audit_chain_business_id_audit_id_fkey"
        " foreign key (business_id, audit_id) references audit_log not valid"
    )
    await connection.close()
