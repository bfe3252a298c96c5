"""`payme jobs`: what waits, what gave up, and what a person decides about it."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from payme.kit.errors import DomainError
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from payme.runtime.jobs.dead_letters import drop_dead_letter, list_dead_letters, list_queue, retry_dead_letter

Result = TypeVar("Result")
Url = Annotated[str, typer.Option(envvar="DATABASE_URL", help="Where the database is.", show_default=False)]
app = typer.Typer(name="jobs", help="Jobs that wait, and jobs that gave up.", no_args_is_help=True)


@app.command("list")
def list_jobs(database_url: Url) -> None:
    """Show what stands in the queue, by job and state."""
    table = Table("job", "state", "jobs", "first due at")
    for row in _run(database_url, list_queue):
        table.add_row(row.name, row.status, str(row.jobs), row.oldest_due_at.isoformat(timespec="seconds"))
    Console().print(table)


@app.command("dead")
def list_dead(database_url: Url) -> None:
    """Show the dead letters that nobody has resolved."""
    table = Table("id", "job", "attempts", "died at", "error", "message", "payload")
    for row in _run(database_url, list_dead_letters):
        died = row.died_at.isoformat(timespec="seconds")
        table.add_row(str(row.id), row.name, str(row.attempts), died, row.error_class, row.error_message, row.payload)
    Console().print(table)


@app.command("retry")
def retry(dead_letter_id: int, database_url: Url) -> None:
    """Run a dead letter's job again, with a full count of attempts."""
    _run(database_url, lambda uow: retry_dead_letter(uow, dead_letter_id, by=getpass.getuser()))
    typer.echo(f"Job of dead letter {dead_letter_id} is in the queue again.")


@app.command("drop")
def drop(
    dead_letter_id: int, *, database_url: Url, reason: Annotated[str, typer.Option(help="Why it need not run.")]
) -> None:
    """Close a dead letter without running its job; the row and the reason are kept."""
    _run(database_url, lambda uow: drop_dead_letter(uow, dead_letter_id, reason=reason, by=getpass.getuser()))
    typer.echo(f"Dead letter {dead_letter_id} is closed.")


def _run(database_url: str, work: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
    async def once() -> Result:
        database = await Database(database_url, role="payme_worker", limits=PoolLimits(connections=1)).open()
        try:
            return await database.run(work)
        finally:
            await database.close()

    try:
        return asyncio.run(once())
    except DomainError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error
