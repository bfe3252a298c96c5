"""How the doctor's findings are printed."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from payme.features.operations.schemas import Diagnosis, Mark

_MARKS: Final = {Mark.GOOD: ("✓", "green"), Mark.LOOK: ("!", "yellow"), Mark.BAD: ("✗", "red")}


def print_diagnoses(diagnoses: Sequence[Diagnosis], console: Console) -> None:
    """Print a line for each finding of the doctor, and under it what to do."""
    width = max((len(each.subject) for each in diagnoses), default=0)
    for each in diagnoses:
        _print_diagnosis(each, console, width=width)
    wrong, doubtful = (sum(1 for each in diagnoses if each.mark is mark) for mark in (Mark.BAD, Mark.LOOK))
    if wrong:
        console.print(f"\n[red]✗[/red] {wrong} to put right, {doubtful} to look at.")
    elif doubtful:
        console.print(f"\n[yellow]![/yellow] Nothing is broken; {doubtful} to look at.")
    else:
        console.print("\n[green]✓[/green] All is well.")


def _print_diagnosis(diagnosis: Diagnosis, console: Console, *, width: int) -> None:
    mark, style = _MARKS[diagnosis.mark]
    line = Table.grid(padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True, min_width=width)
    line.add_column(overflow="fold")
    line.add_row(Text(mark, style=style), Text(diagnosis.subject, style="bold"), Text(diagnosis.found))
    if diagnosis.next_step:
        line.add_row("", "", Text(f"→ {diagnosis.next_step}", style=style))
    console.print(line)
    for detail in diagnosis.details:
        console.print(Text(f"  {detail}", style="dim"))
