"""`payme maintenance`: say to every process of the deployment what it lets through, and to every till why."""

import asyncio
from datetime import timedelta
from typing import Annotated, Final

import typer

from payme.entrypoints.reach import open_database, refusal, settings_or_exit
from payme.kit.time import SystemClock
from payme.runtime.database import Database, DatabaseUnavailable
from payme.runtime.events.maintenance import Mode, Notice, read_notice, write_notice

Which = Annotated[Mode, typer.Argument(help="off, warn, read_only or drain.")]
Message = Annotated[str, typer.Option(help="A sentence for people at a till, 200 characters at most.")]
Minutes = Annotated[int | None, typer.Option("--minutes", min=1, max=1_440, help="How long it is expected to last.")]
_LONGEST: Final = 200
app = typer.Typer(
    name="maintenance", no_args_is_help=True, help="What the API lets through while something is done to it."
)


@app.command("set")
def set_mode(mode: Which, *, message: Message = "", minutes: Minutes = None) -> None:
    """Change the mode of every API process within a second.

    `warn` only tells the tills; `read_only` refuses changes with 503 and a time to come back, except what M-Pesa tells; `drain`
    refuses everything but the probes. Tills go on selling without a network meanwhile, and send afterwards; nothing is lost.
    """
    if len(message) > _LONGEST:
        raise typer.BadParameter(f"is longer than {_LONGEST} characters.", param_hint="--message")
    until = SystemClock().now() + timedelta(minutes=minutes) if minutes else None
    notice = Notice() if mode == "off" else Notice(mode, message, until)
    asyncio.run(_with_owner(notice))
    typer.echo(f"Maintenance is {mode}.")


@app.command("show")
def show() -> None:
    """Show the mode that is kept. Changes nothing."""
    notice = asyncio.run(_with_owner(None))
    until = f", until {notice.until:%Y-%m-%d %H:%M} UTC" if notice.until else ""
    typer.echo(f"Maintenance is {notice.mode}{until}.{f' {notice.message}' if notice.message else ''}")


async def _with_owner(notice: Notice | None) -> Notice:
    try:
        async with open_database(settings_or_exit(), role=None) as database:
            return await _kept(database, notice)
    except DatabaseUnavailable as error:
        raise refusal(f"The database does not answer ({error}).") from None


async def _kept(database: Database, notice: Notice | None) -> Notice:
    if notice is not None:
        await database.run(lambda uow: write_notice(uow, notice))
    return await database.run(read_notice, read_only=True)
