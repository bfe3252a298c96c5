"""`payme release check`: the checklist of a deployment, two days before, on the day and two hours after, as real checks.

What is looked at belongs to the doctor, the invariants and the migrations; here it is only put together, in the order in which
one asks. Exit code 1 where a line is ✗: then the release waits, or goes back.
"""

import asyncio
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.console import Console

from payme.entrypoints.cli_doctor import examine
from payme.entrypoints.reach import open_database, settings_or_exit
from payme.features.operations import Diagnosis, Mark, check_all
from payme.features.operations.cli import print_diagnoses
from payme.features.operations.schemas import bad, good, look
from payme.runtime.database import DatabaseUnavailable
from payme.runtime.database.migrate_cli import migrator_for
from payme.runtime.database.revisions import MigrationError, Phase
from payme.runtime.database.roles import WORKER_ROLE
from payme.runtime.events.maintenance import read_notice
from payme.runtime.settings import Settings

MUST_BE_GOOD: Final = frozenset({"Backups", "Restore drill"})
"""What the doctor only asks one to look at, and no release begins without."""


class When(StrEnum):
    """The three moments of the list: 48 hours before, on the day, two hours after."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


app = typer.Typer(name="release", no_args_is_help=True, help="The checklist of a deployment.")


@app.callback()
def group() -> None:
    """Check a deployment at its three moments."""


@app.command("check")
def check(when: Annotated[When, typer.Argument(help="before, during or after.")]) -> None:
    """Say whether a release may begin, may go on, or went well. Changes nothing; exits with 1 where a line is ✗.

    `before`: 48 hours ahead, with the new release's image against the database in use: the doctor, a backup and a drill that are
    fresh, every invariant, and what the migration will lock. `during`: after migrate up, before traffic is moved. `after`: two
    hours later: nothing is left pending, maintenance is off, every invariant.
    """
    diagnoses = asyncio.run(examine_release(settings_or_exit(), when))
    print_diagnoses(diagnoses, Console())
    if any(each.mark is Mark.BAD for each in diagnoses):
        raise typer.Exit(1)
    typer.echo(f"Nothing stands in the way {'of the release' if when is When.BEFORE else when}.")


async def examine_release(settings: Settings, when: When) -> list[Diagnosis]:
    """Return the lines of one moment."""
    own_backup = settings.migration_before_command is not None
    doctor = [judge(each, when, own_backup=own_backup) for each in await examine(probe=False)]
    try:
        return [*doctor, await _schema(settings, when), await _maintenance(settings, when), await _books(settings)]
    except (DatabaseUnavailable, MigrationError) as error:
        return [
            *doctor,
            bad("Release", f"could not be looked at: {error}", "Put the lines above right, and ask again."),
        ]


def judge(line: Diagnosis, when: When, *, own_backup: bool) -> Diagnosis:
    """Return a line of the doctor as a release sees it: pending revisions are its business, and a backup is no matter of taste.

    `own_backup`: the migration begins with a command of the operator, who looks after backups in another way.
    """
    if line.subject == "Schema" and when is When.BEFORE and line.mark is Mark.BAD and "pending" in line.found:
        return good("Schema", f"{line.found.rstrip('.')}, which this release brings.")
    if line.subject in MUST_BE_GOOD and line.mark is Mark.LOOK and when is When.BEFORE and not own_backup:
        return bad(line.subject, line.found, line.next_step, details=line.details)
    return line


async def _schema(settings: Settings, when: When) -> Diagnosis:
    waiting = await migrator_for(settings).waiting()
    names = [f"{revision.file_name}{f': {reason}' if reason else ''}" for revision, reason in waiting.items()]
    adds = [each for each in waiting if each.phase is Phase.EXPAND]
    if when is not When.BEFORE:
        if adds:
            return bad("Migration", f"{len(adds)} revisions are missing.", "payme migrate up", details=names)
        return good("Migration", "everything that this release needs is there.")
    held = [each for each in adds if waiting[each]]
    if held:
        return bad("Migration", "what it needs waits behind a removal.", "payme migrate status", details=names)
    found = f"{len(waiting)} revisions will run." if waiting else "nothing will run."
    return look("Migration", found, "Read payme migrate plan.", details=names) if waiting else good("Migration", found)


async def _maintenance(settings: Settings, when: When) -> Diagnosis:
    async with open_database(settings, role=None) as database:
        notice = await database.run(read_notice, read_only=True)
    found = f"the mode is {notice.mode}."
    if notice.mode == "off" or when is When.DURING:
        return good("Maintenance mode", found)
    if when is When.AFTER:
        return bad("Maintenance mode", found, "payme maintenance set off")
    return look("Maintenance mode", found, "Was it forgotten?")


async def _books(settings: Settings) -> Diagnosis:
    async with open_database(settings, role=WORKER_ROLE) as database:
        report = await check_all(database)
    broken = [f"{each.number}  {each.name}: {each.violations}" for each in report.findings if each.violations]
    if broken:
        return bad("Invariants", f"{len(broken)} lines are broken.", "payme check invariants", details=broken)
    return good("Invariants", f"all {len(report.findings)} hold over {report.businesses} businesses.")
