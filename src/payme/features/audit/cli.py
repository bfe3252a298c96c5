"""`payme audit`: walk the chains and say what is wrong with them.

Wiring says how to reach the database and how to list the businesses, which this feature does not know.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from payme.features.audit.rules import ANCHORED, noted_head
from payme.features.audit.schemas import Verification
from payme.features.audit.services import verify
from payme.runtime.database import Database, UnitOfWork

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]
ListBusinesses = Callable[[UnitOfWork], Awaitable[Sequence[UUID]]]


Notes = Mapping[UUID, Mapping[int, AbstractSet[str]]]


@dataclass(frozen=True, slots=True)
class _Wanted:
    business: UUID | None
    expect_head: str | None
    notes: Notes


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
        anchor: Annotated[
            Path | None,
            typer.Option(
                help="A worker's log, kept where the database is not; chains must pass through every head in it."
            ),
        ] = None,
    ) -> None:
        """Compare every sealed row with its link; exit with 1 when history was changed. Changes nothing.

        Only a head noted outside shows that the end was cut off, or that everything was written anew: workers write each head
        into their log, which --anchor reads. Give it a log that whoever owns the database cannot change.
        """
        if expect_head is not None and business is None:
            raise typer.BadParameter("a head belongs to one business; name it by --business")
        wanted = _Wanted(business, expect_head, read_notes(anchor) if anchor else {})
        found = asyncio.run(_verify_all(open_database, list_businesses, wanted))
        for verification in found:
            print_verification(verification)
        if not all(each.intact for each in found):
            raise typer.Exit(1)

    return app


def read_notes(log: Path) -> Notes:
    """Return the heads that a log notes, by business and position. Raises: BadParameter where there are none."""
    notes: dict[UUID, dict[int, set[str]]] = {}
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            for note in filter(None, map(noted_head, lines)):
                notes.setdefault(note.business_id, {}).setdefault(note.position, set()).add(note.head)
    except OSError as error:
        raise typer.BadParameter(f"{log} cannot be read ({error.strerror})") from None
    if not notes:
        raise typer.BadParameter(f"{log} notes no head; a worker's log does, in lines with {ANCHORED}")
    return notes


def print_verification(found: Verification) -> None:
    """Print a chain and its head, and a line for each fault."""
    state = "intact" if found.intact else f"{len(found.faults)} fault(s)"
    typer.echo(f"{found.business_id}  {state}  sealed {found.sealed}  waiting {found.waiting}")
    compared = f"  held against {found.compared} noted" if found.compared else ""
    typer.echo(f"  head {found.head}{compared}")
    for fault in found.faults:
        place = f"position {fault.position}: " if fault.position else ""
        typer.echo(f"  {fault.kind}  {place}{fault.detail}")


async def _verify_all(
    open_database: OpenDatabase, list_businesses: ListBusinesses, wanted: _Wanted
) -> list[Verification]:
    async with open_database() as database:
        ids = [wanted.business] if wanted.business else list(await database.run(list_businesses, read_only=True))
        if wanted.business is None:
            # A business that is gone from the database and not from the log was taken away whole.
            ids += sorted(wanted.notes.keys() - set(ids))
        return [
            await database.run(
                lambda uow, each=each: verify(uow, expect_head=wanted.expect_head, noted=wanted.notes.get(each)),
                business_id=each,
                read_only=True,
            )
            for each in ids
        ]
