"""`payme secrets`: under which keys the encrypted values stand, and their way to the present one."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from payme.entrypoints.reach import open_worker_database, settings_or_exit
from payme.features.operations import KeyUse, Rotation, count_keys, rotate_keys

Batch = Annotated[int, typer.Option(min=1, max=10_000, help="Rows in one transaction.")]
app = typer.Typer(name="secrets", help="The keys of what is encrypted in the database.", no_args_is_help=True)


@app.command("status")
def status() -> None:
    """Show how many values stand under each key, by table. Changes nothing; exits with 3 when some are under an older one."""
    present = settings_or_exit().encryption_key_id
    uses = asyncio.run(_count())
    print_uses(uses, present)
    if any(each.key_id != present for each in uses):
        raise typer.Exit(3)


@app.command("rotate")
def rotate(batch: Batch = 500) -> None:
    """Encrypt everything anew that stands under an older key. Run it beside the application, as often as you like.

    First give every process the new key among ENCRYPTION_KEYS_PREVIOUS, then make it ENCRYPTION_KEY under a new id and move
    the old one there, then run this, then take the old key away. Killed in the middle, it goes on when it is run again.
    Exits with 1 when a value could not be read: it stays as it is.
    """
    present = settings_or_exit().encryption_key_id
    rotation, uses = asyncio.run(_rotate(batch, present))
    typer.echo(f"{rotation.renewed} rows are encrypted anew.")
    for each in rotation.unreadable:
        typer.echo(f"cannot be read, and stays: {each}", err=True)
    left = sorted({each.key_id for each in uses} - {present})
    if left:
        print_uses(uses, present)
        typer.echo(f"Still in use: {', '.join(left)}. Keep these keys, and run this again.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Everything stands under {present}; no other key is in use.")


def print_uses(uses: Sequence[KeyUse], present: str) -> None:
    """Print a line for each table and key."""
    for each in uses:
        mark = "" if each.key_id == present else "  older"
        typer.echo(f"{each.table:<16} {each.key_id:<8} {each.values}{mark}")


async def _count() -> list[KeyUse]:
    async with open_worker_database() as database:
        return await count_keys(database)


async def _rotate(batch: int, present: str) -> tuple[Rotation, list[KeyUse]]:
    columns = (TextColumn("Encrypting anew"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    async with open_worker_database() as database:
        waiting = sum(each.values for each in await count_keys(database) if each.key_id != present)
        with progress if progress.console.is_terminal else nullcontext():
            task = progress.add_task("rotate", total=waiting)
            rotation = await rotate_keys(
                database, batch=batch, advance=lambda rows: progress.update(task, advance=rows)
            )
        return rotation, await count_keys(database)
