"""`payme audit`: the commands of the audit log over the database of the settings, in the worker's role."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from payme.features.audit.cli import build_app
from payme.features.businesses import list_business_ids
from payme.runtime.database import Database, PoolLimits
from payme.runtime.secrets import load_settings


@asynccontextmanager
async def _open_database() -> AsyncGenerator[Database]:
    dsn = load_settings().database_url.get_secret_value()
    database = await Database(dsn, role="payme_worker", limits=PoolLimits(connections=1)).open()
    try:
        yield database
    finally:
        await database.close()


app = build_app(_open_database, list_business_ids)
