"""The `payme` command: every verb an operator has, mounted from where it lives. No work of its own."""

from typing import Final

import typer

from payme.entrypoints import api as api_process
from payme.entrypoints import (
    cli_audit,
    cli_backup,
    cli_jobs,
    cli_maintenance,
    cli_migrate,
    cli_release,
    cli_secrets,
    cli_tokens,
)
from payme.entrypoints import worker as worker_process
from payme.entrypoints.cli_doctor import doctor
from payme.entrypoints.reach import open_worker_database, settings_or_exit
from payme.features.operations.cli import build_app as build_check
from payme.features.sync.cli import build_app as build_sync

_RUN: Final = "Run"
_LOOK: Final = "Look: changes nothing"
_CHANGE: Final = "Change"

app = typer.Typer(
    name="payme",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,  # locals hold secrets
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Run PayMe and look after it. Settings come from the environment and from .env. When something is wrong: payme doctor.",
)


@app.command(rich_help_panel=_RUN)
def api() -> None:
    """Serve the HTTP API until SIGTERM, on HOST and PORT."""
    settings_or_exit()
    api_process.main()


@app.command(rich_help_panel=_RUN)
def worker() -> None:
    """Work off jobs until SIGTERM: prompts, callbacks, questions to M-Pesa. Start at least one beside the API."""
    settings_or_exit()
    worker_process.main()


app.command("doctor", rich_help_panel=_LOOK)(doctor)
app.add_typer(build_check(open_worker_database), name="check", rich_help_panel=_LOOK)
app.add_typer(cli_audit.app, name="audit", rich_help_panel=_LOOK)
app.add_typer(cli_release.app, name="release", rich_help_panel=_LOOK)
app.add_typer(cli_backup.app, name="backup", rich_help_panel=_CHANGE)
app.add_typer(cli_maintenance.app, name="maintenance", rich_help_panel=_CHANGE)
app.add_typer(cli_migrate.app, name="migrate", rich_help_panel=_CHANGE)
app.add_typer(cli_jobs.app, name="jobs", rich_help_panel=_CHANGE)
app.add_typer(cli_secrets.app, name="secrets", rich_help_panel=_CHANGE)
app.add_typer(cli_tokens.app, name="tokens", rich_help_panel=_CHANGE)
app.add_typer(build_sync(open_worker_database), name="sync", rich_help_panel=_CHANGE)
