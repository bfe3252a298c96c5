"""Connections, transactions, tenant binding, migrations and the embedded server. The only room, with repositories, that knows SQL."""

from payme.runtime.database.database import Database, PoolLimits
from payme.runtime.database.errors import DatabaseBusy, DatabaseUnavailable, TransactionAborted
from payme.runtime.database.unit_of_work import Closing, Reply, UnitOfWork, Wiring
from payme.runtime.database.write_order import Deferred, WriteOrder

__all__ = [
    "Closing",
    "Database",
    "DatabaseBusy",
    "DatabaseUnavailable",
    "Deferred",
    "PoolLimits",
    "Reply",
    "TransactionAborted",
    "UnitOfWork",
    "Wiring",
    "WriteOrder",
]
