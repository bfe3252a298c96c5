"""The `payme migrate` commands: up, status and plan; the command line mounts `app`.

Not here: what a migration is and how it runs (`migrations`, `revisions`). Exit codes: 0 done, 1 refused or failed, and
`plan` says 3 when something is pending, so that a script can ask.
"""

import asyncio
import shlex
from collections.abc import Coroutine
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

import payme
from payme.runtime.database.migrations import Before, MigrationLimits, Migrator
from payme.runtime.database.plans import describe_revision
from payme.runtime.database.revisions import MigrationError, load_revisions
from payme.runtime.secrets import load_settings
from payme.runtime.settings import Settings, SettingsError

PENDING_EXIT_CODE: Final = 3
Result = TypeVar("Result")

app = typer.Typer(help="Bring the database to the newest schema.", no_args_is_help=True)


def migrations_folder() -> Path:
    """Return where the revisions lie: beside the sources in a checkout, inside the package when installed."""
    package = Path(payme.__file__).parent
    checkout = package.parent.parent / "migrations" / "versions"
    return checkout if checkout.is_dir() else package / "migrations" / "versions"


def migrator_for(settings: Settings, folder: Path | None = None) -> Migrator:
    """Return the runner for the configured database, which it reaches without a transaction pooler."""
    limits = MigrationLimits(
        lock_seconds=settings.migration_lock_seconds,
        statement_seconds=settings.migration_statement_seconds,
        support=timedelta(days=settings.migration_support_days),
    )
    return Migrator(
        settings.direct_database_url(),
        folder or migrations_folder(),
        limits,
        typer.echo,
        release=version("payme"),
        before=_before(settings.migration_before_command),
    )


@app.command()
def up(
    before_contract: Annotated[  # noqa: FBT002 -- an option of a command line
        bool, typer.Option("--before-contract", help="Stop before the first revision of the contract phase.")
    ] = False,
) -> None:
    """Apply every revision that is pending."""
    count = _run(_migrator().up(stop_before_contract=before_contract))
    typer.echo(f"{count} applied." if count else "Nothing to do.")


@app.command()
def status() -> None:
    """Show each revision with its state, and why those that wait may not run yet."""
    migrator = _migrator()
    waiting = _run(migrator.waiting())
    for revision in load_revisions(migrator.folder):
        typer.echo(f"{'pending' if revision in waiting else 'applied':8} {revision.file_name}")
    for reason in waiting.values():
        if reason is not None:
            typer.echo(reason)


@app.command()
def plan() -> None:
    """Show what is pending, with locks, time-outs and SQL; exit with 3 when there is something."""
    migrator = _migrator()
    waiting = _run(migrator.waiting())
    for revision, why_not in waiting.items():
        typer.echo(describe_revision(migrator, revision, why_not))
    if waiting:
        raise typer.Exit(PENDING_EXIT_CODE)
    typer.echo("Nothing to do.")


def _before(command: str | None) -> Before | None:
    """Return what runs the operator's command, such as a backup, and raises where that fails."""
    if not command:
        return None
    words = shlex.split(command)

    async def run() -> None:
        typer.echo(f"before anything is changed: {words[0]} …")
        try:
            process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL)
        except OSError as error:
            raise MigrationError(
                f"MIGRATION_BEFORE_COMMAND cannot be run ({error.strerror}); nothing was changed."
            ) from None
        if code := await process.wait():
            raise MigrationError(f"MIGRATION_BEFORE_COMMAND ended with {code}; nothing was changed.")

    return run


def _migrator() -> Migrator:
    try:
        return migrator_for(load_settings())
    except SettingsError as error:
        raise _refusal(error) from None


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    try:
        return asyncio.run(work)
    except MigrationError as error:
        raise _refusal(error) from None


def _refusal(error: Exception) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(1)
