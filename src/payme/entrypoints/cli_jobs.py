"""`payme jobs`: what waits, what gave up, and what a person decides about it.

The database comes from the settings, as for every command, unless `--database-url` names another.
"""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from payme.entrypoints.reach import refusal, settings_or_exit
from payme.kit.errors import DomainError
from payme.runtime.database import Database, DatabaseUnavailable, PoolLimits, UnitOfWork
from payme.runtime.database.roles import WORKER_ROLE
from payme.runtime.jobs.dead_letters import drop_dead_letter, list_dead_letters, list_queue, retry_dead_letter

Result = TypeVar("Result")
Url = Annotated[str, typer.Option(help="Another database than that of the settings.", show_default=False)]
Letter = Annotated[int, typer.Argument(metavar="ID", help="Number of the dead letter, as `payme jobs dead` shows it.")]
app = typer.Typer(name="jobs", help="Jobs that wait, and jobs that gave up.", no_args_is_help=True)


@app.command("list")
def list_jobs(database_url: Url = "") -> None:
    """Show what stands in the queue, by job and state. Changes nothing."""
    rows = _run(database_url, list_queue)
    if not rows:
        typer.echo("The queue is empty.")
        return
    table = Table("Job", "State", "Jobs", "First due at (UTC)", box=None, padding=(0, 1))
    for row in rows:
        table.add_row(row.name, row.status, str(row.jobs), f"{row.oldest_due_at:%Y-%m-%d %H:%M:%S}")
    Console().print(table)


@app.command("dead")
def list_dead(database_url: Url = "") -> None:
    """Show the dead letters that nobody has resolved. Changes nothing."""
    rows = _run(database_url, list_dead_letters)
    if not rows:
        typer.echo("There are no dead letters.")
    for row in rows:
        typer.echo(f"{row.id}  {row.name}  died {row.died_at:%Y-%m-%d %H:%M:%S} UTC after {row.attempts} attempts")
        typer.echo(f"    {row.error_class}: {row.error_message}")
        typer.echo(f"    {row.payload}")


@app.command("retry")
def retry(dead_letter_id: Letter, database_url: Url = "") -> None:
    """Run a dead letter's job again, with a full count of attempts. It is safe: an effect happens once."""
    _run(database_url, lambda uow: retry_dead_letter(uow, dead_letter_id, by=getpass.getuser()))
    typer.echo(f"Job of dead letter {dead_letter_id} is in the queue again.")


@app.command("drop")
def drop(
    dead_letter_id: Letter,
    *,
    database_url: Url = "",
    reason: Annotated[str, typer.Option(help="Why it need not run; kept under your name.")],
) -> None:
    """Close a dead letter without running its job; the row and the reason are kept."""
    _run(database_url, lambda uow: drop_dead_letter(uow, dead_letter_id, reason=reason, by=getpass.getuser()))
    typer.echo(f"Dead letter {dead_letter_id} is closed.")


def _run(database_url: str, work: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
    url = database_url or settings_or_exit().direct_database_url()

    async def once() -> Result:
        database = await Database(url, role=WORKER_ROLE, limits=PoolLimits(connections=1)).open()
        try:
            return await database.run(work)
        finally:
            await database.close()

    try:
        return asyncio.run(once())
    except DomainError as error:
        raise refusal(error.message) from error
    except DatabaseUnavailable as error:
        raise refusal(f"The database does not answer ({error}). `payme doctor` says more.") from error
