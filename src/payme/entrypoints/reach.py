"""How a command reaches the database: settings that are right, a pool of one, and a sentence where either is not to be had."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import typer

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.kit.errors import DomainError
from payme.runtime.database import Database, DatabaseUnavailable, PoolLimits
from payme.runtime.database.roles import WORKER_ROLE
from payme.runtime.secrets import load_settings
from payme.runtime.settings import Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_STATEMENT_SECONDS: Final = 900.0


def settings_or_exit() -> Settings:
    """Return the settings of this process, or say what is wrong with them and exit with 1."""
    try:
        return load_settings()
    except SettingsError as error:
        raise refusal(str(error)) from None


@asynccontextmanager
async def open_database(settings: Settings, *, role: str | None, url: str = "") -> AsyncGenerator[Database]:
    """Open the database, or another one by its URL, in a role, with all reactions wired. Raises: DatabaseUnavailable."""
    limits = PoolLimits(connections=1, statement_seconds=_STATEMENT_SECONDS)
    database = Database(
        url or settings.direct_database_url(), role=role, limits=limits, wiring=wire(tools_of(settings))
    )
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_worker_database() -> AsyncGenerator[Database]:
    """Open the database as a worker would; where that fails, say so and exit with 1."""
    settings = settings_or_exit()
    try:
        async with open_database(settings, role=WORKER_ROLE) as database:
            yield database
    except DomainError as error:
        raise refusal(error.message) from None
    except DatabaseUnavailable as error:
        raise refusal(f"The database does not answer ({error}). `payme doctor` says more.") from None


def refusal(message: str) -> typer.Exit:
    """Say why nothing was done, and return the exit with 1."""
    typer.echo(message, err=True)
    return typer.Exit(1)


def echo_nothing(_message: Any) -> None:
    """Say nothing, where a runner wants somebody to talk to."""
