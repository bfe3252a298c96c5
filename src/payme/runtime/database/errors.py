"""What can go wrong between us and PostgreSQL, in the words of the caller; the driver's own errors go no further.

A domain error can be raised by the database itself, in two ways: a SQL function raises `PM001` with the error's code as
message and its facts as JSON detail, or a constraint named by an error class is violated.
"""

import json
from typing import Any

import asyncpg

from payme.kit.errors import DomainError, PaymeError

DOMAIN_SQLSTATE = "PM001"
_RETRYABLE = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
_UNREACHABLE = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server's last word has come and the end of the connection has not
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ClientCannotConnectError,
    OSError,
    TimeoutError,
)
_FULL = (asyncpg.DiskFullError, asyncpg.OutOfMemoryError)


class DatabaseBusy(PaymeError):
    """Others hold the rows that are needed; the same request may succeed in a moment."""


class DatabaseUnavailable(PaymeError):
    """The database does not answer, or has no room; whether the last commit arrived is not known."""


class TransactionAborted(PaymeError):
    """A statement had failed, the work went on as if it had not, and nothing of it was kept: our own mistake."""


def translate(error: Exception) -> Exception:
    """Return the error as the rest of the system knows it, or the very same one where it is our own mistake."""
    if isinstance(error, asyncpg.PostgresError):
        domain = _domain_error(error)
        if domain is not None:
            return domain
    if isinstance(error, _RETRYABLE):
        return DatabaseBusy(type(error).__name__)
    if isinstance(error, (*_FULL, *_UNREACHABLE)):
        return DatabaseUnavailable(type(error).__name__)
    return error


def _domain_error(error: asyncpg.PostgresError) -> DomainError | None:
    if error.sqlstate == DOMAIN_SQLSTATE:
        found = DomainError.registered().get(str(error.args[0]))
        detail: str | None = getattr(error, "detail", None)
        facts: dict[str, Any] = json.loads(detail) if detail else {}
        return found(**facts) if found else None
    constraint: str | None = getattr(error, "constraint_name", None)
    return _constraint_error(constraint) if constraint else None


def _constraint_error(constraint: str) -> DomainError | None:
    for error in DomainError.registered().values():
        if constraint in error.constraints:
            return error()
    return None
