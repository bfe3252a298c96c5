"""`payme check invariants`.

Wiring says how to reach the database. Exit codes: 0 all is well, 1 something is broken.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Annotated, Final
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from payme.features.operations.schemas import Finding, Report
from payme.features.operations.services.invariants import Advance, check_all
from payme.runtime.database import Database

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]
_MANY: Final = 3


def build_app(open_database: OpenDatabase) -> typer.Typer:
    """Return the group `check`."""
    app = typer.Typer(no_args_is_help=True, help="Hold the data against what must be true of it. Reads only.")

    @app.callback()
    def group() -> None:
        """Hold the data against what must be true of it. Reads only."""

    @app.command("invariants")
    def check_command(
        business: Annotated[UUID | None, typer.Option(help="This business only; else every one.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")] = False,  # noqa: FBT002 -- an option of a command line
    ) -> None:
        """Ask whether books, tokens, stock, sales, payments and the audit log agree with each other.

        Changes nothing and may run while shops sell. Exits with 1 when a line is broken: then stop and look, before the next
        migration, restore or payout. What each line means stands in what it says; the example names the row to begin with.
        """
        report = asyncio.run(_check(open_database, business))
        if as_json:
            typer.echo(report.model_dump_json(indent=2))
        else:
            print_report(report, Console())
        if not report.holds:
            raise typer.Exit(1)

    return app


async def _check(open_database: OpenDatabase, business: UUID | None) -> Report:
    columns = (TextColumn("Checking businesses"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    async with open_database() as database:
        with progress if progress.console.is_terminal else nullcontext():
            return await check_all(database, business_id=business, advance=_shown_on(progress))


def _shown_on(progress: Progress) -> Advance:
    task = progress.add_task("check", total=None, visible=False)

    def advance(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total, visible=total >= _MANY)

    return advance


def print_report(report: Report, console: Console) -> None:
    """Print a row for each invariant, with where to begin where one is broken."""
    table = Table("", "What must hold", box=None, padding=(0, 1), header_style="bold")
    table.add_column("Broken", justify="right", no_wrap=True)
    for finding in report.findings:
        style = "red" if finding.violations else ""
        count = Text(str(finding.violations), style=style or "dim")
        table.add_row(Text(str(finding.number), style="dim"), _words(finding, style=style), count)
    console.print(table)
    broken = sum(1 for each in report.findings if each.violations)
    businesses = f"{report.businesses} business{'es' if report.businesses != 1 else ''}"
    if broken:
        console.print(f"\n[red]✗[/red] {broken} of {len(report.findings)} lines are broken, over {businesses}.")
    else:
        console.print(f"\n[green]✓[/green] All {len(report.findings)} lines hold, over {businesses}.")


def _words(finding: Finding, *, style: str) -> Text:
    text = Text(finding.name, style=style)
    for each in finding.examples:
        place = f"in {each.business_id}" if each.business_id else "in the register of all businesses"
        text.append(f"\n  {each.id}\n    {place}", style="default")
    return text
