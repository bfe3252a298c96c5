"""`payme migrate backfill`: run one to its end, count what is left, or show how far each is. No work of its own."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from payme.entrypoints.reach import open_database, refusal, settings_or_exit
from payme.features.operations import walk_businesses
from payme.runtime.database import Database, DatabaseUnavailable
from payme.runtime.database.backfills import (
    Backfill,
    Pace,
    Pressure,
    Run,
    count_left,
    list_progress,
    read_pressure,
    run_backfill,
    verify_backfill,
)
from payme.runtime.database.backfills import Progress as HowFar
from payme.runtime.database.revisions import MigrationError
from payme.runtime.database.roles import WORKER_ROLE

LEFT_EXIT_CODE: Final = 3
Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which one; without it, how far each is.")]
Rows = Annotated[int, typer.Option("--batch", min=1, max=10_000, help="Rows in one transaction.")]
Lag = Annotated[int, typer.Option("--lag-ms", min=0, help="Wait while a replica is further behind than this.")]
Queue = Annotated[int, typer.Option("--queue-ms", min=0, help="Wait while a job has been due for longer than this.")]
Count = Annotated[bool, typer.Option("--verify", help="Only count what is left.")]


def backfill_command(backfills: Sequence[Backfill]) -> Callable[..., None]:
    """Return the command over these backfills."""
    by_name = {each.name: each for each in backfills}

    def backfill(
        name: Name = None, *, batch: Rows = 500, lag_ms: Lag = 5_000, queue_ms: Queue = 10_000, verify: Count = False
    ) -> None:
        """Change old rows for a new schema, a batch to a transaction, beside trading shops; then count what is left.

        Killed in the middle, it goes on where it was when it is run again. It waits while replicas are behind or jobs are late.
        Exits with 3 while something is left: a contract that needs it waits until a count says 0.
        """
        try:
            if name is None:
                asyncio.run(_show(backfills))
                return
            if name not in by_name:
                raise refusal(f"This release has no backfill {name}; it has: {', '.join(by_name) or 'none'}.")
            pace = Pace(batch_rows=batch, most_lag_ms=lag_ms, most_queue_ms=queue_ms)
            left = asyncio.run(_count(by_name[name]) if verify else _fill(by_name[name], pace))
        except (DatabaseUnavailable, MigrationError) as error:
            raise refusal(str(error)) from None
        typer.echo(f"{name}: {left} left.")
        if left:
            raise typer.Exit(LEFT_EXIT_CODE)

    return backfill


async def recount(backfills: Sequence[Backfill], names: Sequence[str]) -> None:
    """Count anew what these backfills have left, where they were said to have left nothing; the old release writes until it ends."""
    settings = settings_or_exit()
    async with open_database(settings, role=WORKER_ROLE) as database:
        for each in backfills:
            if each.name in names:
                await verify_backfill(database, each, lambda: walk_businesses(database))


async def _fill(backfill: Backfill, pace: Pace) -> int:
    settings = settings_or_exit()
    columns = (TextColumn(backfill.name), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    async with (
        open_database(settings, role=WORKER_ROLE) as database,
        open_database(settings, role=None) as server,
    ):
        waiting = await count_left(database, backfill, lambda: walk_businesses(database))
        typer.echo(f"{backfill.name}: {waiting} rows to change: {backfill.what}.")
        with progress if progress.console.is_terminal else nullcontext():
            task = progress.add_task(backfill.name, total=waiting)
            run = Run(
                walk=lambda: walk_businesses(database),
                look=lambda: _look(server),
                pace=pace,
                moved=lambda rows: progress.update(task, advance=rows),
                say=typer.echo,
            )
            return await run_backfill(database, backfill, run)


async def _look(server: Database) -> Pressure:
    return await server.run(read_pressure, read_only=True)


async def _count(backfill: Backfill) -> int:
    async with open_database(settings_or_exit(), role=WORKER_ROLE) as database:
        return await verify_backfill(database, backfill, lambda: walk_businesses(database))


async def _show(backfills: Sequence[Backfill]) -> None:
    async with open_database(settings_or_exit(), role=WORKER_ROLE) as database:
        known = await database.run(list_progress, read_only=True)
    if not backfills:
        typer.echo("This release has no backfills.")
    for each in backfills:
        typer.echo(f"{each.name}: {_how_far(known.get(each.name))}: {each.what}.")


def _how_far(progress: HowFar | None) -> str:
    if progress is None:
        return "not begun"
    if progress.verified_at is not None:
        return f"done, {progress.rows_done} rows; counted at {progress.verified_at:%Y-%m-%d %H:%M} UTC"
    if progress.left_over is not None and progress.business_id is None:
        return f"{progress.rows_done} rows, {progress.left_over} left"
    return f"{progress.rows_done} rows so far, last at {progress.moved_at:%Y-%m-%d %H:%M} UTC"
