"""`payme migrate`: the runner's commands, and after `up` the one business that every deployment has.

The platform's own business is made here and nowhere else: a database that was migrated by `payme migrate up` has it.
"""

import asyncio
from typing import Annotated

import typer

from payme.entrypoints.backfills import BACKFILLS
from payme.entrypoints.cli_backfill import backfill_command, recount
from payme.entrypoints.reach import open_database, refusal, settings_or_exit
from payme.features.businesses import PLATFORM_BUSINESS_ID, ensure_platform_business
from payme.runtime.database import DatabaseUnavailable, migrate_cli
from payme.runtime.database.revisions import MigrationError
from payme.runtime.database.roles import APP_ROLE
from payme.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Bring the database to the schema of this release.")


@app.callback()
def group() -> None:
    """Bring the database to the schema of this release."""


@app.command()
def up(
    before_contract: Annotated[  # noqa: FBT002 -- an option of a command line
        bool, typer.Option("--before-contract", help="Stop before the first revision that removes something.")
    ] = False,
) -> None:
    """Apply every pending revision, then make the platform's own business if it is not there.

    Changes the schema; each revision commits by itself or not at all, and the old release keeps running meanwhile. Running it
    again, or twice at once, is harmless. Take a backup before.
    """
    settings = settings_or_exit()
    if not before_contract:
        _recount(settings)
    migrate_cli.up(before_contract=before_contract)
    try:
        asyncio.run(ensure_platform(settings))
    except DatabaseUnavailable as error:
        raise refusal(f"The schema is ready; the platform's business is not ({error}). Run this again.") from None


@app.command()
def status() -> None:
    """Show each revision with its state, and why one that removes something may not run yet. Changes nothing."""
    migrate_cli.status()


@app.command()
def plan() -> None:
    """Show what is pending: kind, locks, time-outs and SQL; exit with 3 when there is some. Changes nothing."""
    migrate_cli.plan()


app.command("backfill")(backfill_command(BACKFILLS))


def _recount(settings: Settings) -> None:
    try:
        waiting = asyncio.run(migrate_cli.migrator_for(settings).waiting())
        names = [each.directives.after_backfill for each in waiting if each.directives.after_backfill]
        if names:
            asyncio.run(recount(BACKFILLS, names))
    except (DatabaseUnavailable, MigrationError) as error:
        raise refusal(str(error)) from None


async def ensure_platform(settings: Settings) -> None:
    """Make the platform's own business, which sells the tokens, unless it is there."""
    async with open_database(settings, role=APP_ROLE) as database:
        await database.run(ensure_platform_business, business_id=PLATFORM_BUSINESS_ID)
