"""`payme sync`: what an operator has to say to devices.

Wiring says how to reach the database.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import typer

from payme.features.sync.services.epochs import begin_epochs
from payme.runtime.database import Database

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]


def build_app(open_database: OpenDatabase) -> typer.Typer:
    """Return the group `sync`."""
    app = typer.Typer(no_args_is_help=True, help="Tell devices that were ahead of a restore what they have to know.")

    @app.callback()
    def group() -> None:
        """Tell devices that were ahead of a restore what they have to know."""

    @app.command("begin-epoch")
    def begin(
        yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,  # noqa: FBT002 -- an option of a command line
    ) -> None:
        """Begin an epoch in every business, after the database went back to an earlier instant and before tills reach it.

        `payme backup restore` does it by itself; a restore by other means, to a point in time or from a replica that was behind,
        needs it. Tills then compare what was acknowledged with what is there, and send again what is missing. Doing it once too
        often costs each till one comparison.
        """
        if not yes:
            typer.confirm("Has the database gone back to an earlier instant?", abort=True)
        typer.echo(f"An epoch began in {asyncio.run(_begin(open_database))} businesses.")

    return app


async def _begin(open_database: OpenDatabase) -> int:
    async with open_database() as database:
        return await begin_epochs(database)
