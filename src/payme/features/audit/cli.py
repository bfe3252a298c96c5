"""`payme audit`: walk the chains and say what is wrong with them.

Wiring says how to reach the database and how to list the businesses, which this feature does not know.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated
from uuid import UUID

import typer

from payme.features.audit.schemas import Verification
from payme.features.audit.services import verify
from payme.runtime.database import Database, UnitOfWork

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]
ListBusinesses = Callable[[UnitOfWork], Awaitable[Sequence[UUID]]]


def build_app(open_database: OpenDatabase, list_businesses: ListBusinesses) -> typer.Typer:
    """Return the group of commands."""
    app = typer.Typer(no_args_is_help=True, help="The log of who did what, and its chain of hashes.")

    @app.callback()
    def group() -> None:
        """Look at the log of who did what."""

    @app.command("verify")
    def verify_command(
        business: Annotated[UUID | None, typer.Option(help="This business only; else every one.")] = None,
        expect_head: Annotated[
            str | None, typer.Option(help="A head noted earlier (hexadecimal); the chain must pass through it.")
        ] = None,
    ) -> None:
        """Compare every sealed row with its link; exit with 1 when history was changed. Changes nothing.

        Note the heads somewhere else from time to time: only a head noted earlier shows that the end was cut off.
        """
        if expect_head is not None and business is None:
            raise typer.BadParameter("a head belongs to one business; name it by --business")
        found = asyncio.run(_verify_all(open_database, list_businesses, business=business, expect_head=expect_head))
        for verification in found:
            print_verification(verification)
        if not all(each.intact for each in found):
            raise typer.Exit(1)

    return app


def print_verification(found: Verification) -> None:
    """Print a chain and its head, and a line for each fault."""
    state = "intact" if found.intact else f"{len(found.faults)} fault(s)"
    typer.echo(f"{found.business_id}  {state}  sealed {found.sealed}  waiting {found.waiting}")
    typer.echo(f"  head {found.head}")
    for fault in found.faults:
        place = f"position {fault.position}: " if fault.position else ""
        typer.echo(f"  {fault.kind}  {place}{fault.detail}")


async def _verify_all(
    open_database: OpenDatabase, list_businesses: ListBusinesses, *, business: UUID | None, expect_head: str | None
) -> list[Verification]:
    async with open_database() as database:
        ids = [business] if business else list(await database.run(list_businesses, read_only=True))
        return [
            await database.run(lambda uow: verify(uow, expect_head=expect_head), business_id=each, read_only=True)
            for each in ids
        ]
