"""Progress of what takes long: bars on a terminal, a line for each step where nobody watches. Always on standard error."""

from collections.abc import Generator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from payme.features.operations.services.backups.shelf import Progress as Show


@contextmanager
def shown() -> Generator[Show]:
    """Give a function that is told of progress; a new step ends the one before."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield _bars(progress)


def _lines() -> Show:
    told: list[str] = []

    def show(what: str, _done: int, _total: int | None) -> None:
        if told[-1:] != [what]:
            told.append(what)
            typer.echo(f"{what} …", err=True)

    return show


def _bars(progress: Progress) -> Show:
    tasks: dict[str, TaskID] = {}

    def show(what: str, done: int, total: int | None) -> None:
        if what not in tasks:
            tasks[what] = progress.add_task(what, total=total)
        progress.update(tasks[what], completed=done, total=total)

    return show
