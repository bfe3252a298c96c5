"""`payme migrate backfill` with the backfills of the example, as a process that can be killed."""

import typer

from payme.entrypoints.cli_backfill import backfill_command
from tests.migrations.worked_example.guests import GUEST_PHONES, GUEST_VISITS

app = typer.Typer()
app.command()(backfill_command((GUEST_PHONES, GUEST_VISITS)))

if __name__ == "__main__":
    app()
