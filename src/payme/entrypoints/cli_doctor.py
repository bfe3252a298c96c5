"""`payme doctor`: everything that could be wrong with this deployment, one line each, with what to do about it."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer
from pydantic import TypeAdapter
from rich.console import Console

from payme.entrypoints.reach import echo_nothing, open_database
from payme.entrypoints.wiring import VERSION, daraja_of
from payme.features.businesses import PLATFORM_BUSINESS_ID, BusinessUnknown
from payme.features.operations import (
    Diagnosis,
    Expectations,
    Mark,
    examine_backups,
    examine_disk,
    examine_faults,
    examine_redis,
    examine_server,
    examine_settings,
    examine_work,
    try_shop,
)
from payme.features.operations.cli import print_diagnoses
from payme.features.operations.schemas import bad, good, look
from payme.features.payments.services.gateway import collector_of
from payme.integrations.daraja import QueryNote, StkQuery
from payme.kit.time import SystemClock
from payme.runtime.database import Database, DatabaseUnavailable
from payme.runtime.database.migrate_cli import migrations_folder
from payme.runtime.database.migrations import Migrator
from payme.runtime.database.revisions import MigrationError, Phase
from payme.runtime.database.roles import WORKER_ROLE
from payme.runtime.secrets import load_settings
from payme.runtime.settings import Settings, SettingsError
from payme.runtime.settings.rules import hardened

_NOBODYS_PROMPT: Final = "ws_CO_00000000000000000000"
_SLACK: Final = timedelta(minutes=5)
_LIST: Final = TypeAdapter(list[Diagnosis])
_WELL: Final = good("Safaricom", "answers, and takes the platform's credentials.")
_NO_CREDENTIALS: Final = bad(
    "Safaricom", "refuses the consumer key and secret.", "Copy both anew; they belong to one app of one world."
)
_SILENCE: Final = bad("Safaricom", "does not answer.", "Is the network up, and Daraja? Prompts wait meanwhile.")
_ANSWERS: Final = {
    QueryNote.RESULT: _WELL,
    QueryNote.STILL_PROCESSING: _WELL,
    QueryNote.NO_SUCH_TRANSACTION: _WELL,
    QueryNote.TOO_EARLY_OR_WRONG_ID: _WELL,
    QueryNote.CREDENTIALS_REFUSED: _NO_CREDENTIALS,
    QueryNote.TOKEN_REFUSED: _NO_CREDENTIALS,
    QueryNote.REFUSED: bad(
        "Safaricom",
        "takes the key, and refuses to be asked.",
        "Is MPESA_SHORTCODE the app's, and MPESA_PASSKEY its own?",
    ),
    QueryNote.THROTTLED: look("Safaricom", "answers, and asks us to slow down.", "Ask again in a minute."),
}


def doctor(
    probe: Annotated[  # noqa: FBT002 -- an option of a command line
        bool, typer.Option("--probe", help="Also call Safaricom, once, about a prompt that is nobody's.")
    ] = False,
    business: Annotated[
        UUID | None, typer.Option(help="With --probe: have this shop's ways to be paid tried as well, by a worker.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")] = False,  # noqa: FBT002 -- an option of a command line
) -> None:
    """Say what is wrong here, and what to do next. Begin with this one.

    Looks at settings, keys, backups, database, Redis, M-Pesa, workers, jobs, callbacks, money that waits, and disks. Changes nothing,
    prints no secret, and calls nobody outside unless --probe is given. Exits with 1 when a line is marked ✗.
    """
    if business is not None and not probe:
        raise typer.BadParameter("means something with --probe alone.", param_hint="--business")
    diagnoses = asyncio.run(examine(probe=probe, business=business))
    if as_json:
        typer.echo(_LIST.dump_json(diagnoses, indent=2).decode())
    else:
        print_diagnoses(diagnoses, Console())
    if any(each.mark is Mark.BAD for each in diagnoses):
        raise typer.Exit(1)


async def examine(*, probe: bool, business: UUID | None = None) -> list[Diagnosis]:
    """Return every line; where a line stands in the way of others, those are left out and it says so."""
    try:
        settings = load_settings()
    except SettingsError as error:
        return [*examine_faults(error), examine_disk(Path.cwd())]
    build = good("Release", f"PayMe {VERSION}, commit {settings.release}.")
    backups = await examine_backups(settings, now=SystemClock().now())
    around = [build, *examine_settings(settings), await examine_redis(settings), *backups, examine_disk(Path.cwd())]
    try:
        return [*around, *await _examine_database(settings, probe=probe, business=business)]
    except DatabaseUnavailable as error:
        return [*around, _unreachable(f"went away in the middle ({error})")]


async def _examine_database(settings: Settings, *, probe: bool, business: UUID | None) -> list[Diagnosis]:
    schema = await _schema(settings)
    if schema.subject == "Database":
        return [schema]
    async with open_database(settings, role=None) as database:
        server = await database.run(partial(examine_server, hardened=hardened(settings)), read_only=True)
    if any(each.mark is Mark.BAD for each in (schema, *server)):
        return [*server, schema, look("Work", "was not looked at.", "Put the lines above right, and ask again.")]
    async with open_database(settings, role=WORKER_ROLE) as database:
        tried = await _tried(database, business) if business else []
        work = await examine_work(database, _expectations(settings))
        answers = [await _probe(database, settings)] if probe else []
    return [*server, schema, *work, *tried, *answers]


async def _tried(database: Database, business: UUID) -> list[Diagnosis]:
    try:
        return await try_shop(database, business)
    except BusinessUnknown:
        return [bad("This shop's M-Pesa", f"there is no business {business}.", "Is the id whole?")]


async def _schema(settings: Settings) -> Diagnosis:
    migrator = Migrator(settings.direct_database_url(), migrations_folder(), say=echo_nothing)
    try:
        applied, pending = await migrator.applied(), await migrator.waiting()
    except MigrationError as error:
        if "cannot be reached" in str(error):
            return _unreachable(str(error).removeprefix("The database cannot be reached: "))
        return bad("Schema", str(error), "The files of this release and the database do not belong together.")
    if any(each.phase is Phase.EXPAND for each in pending):
        return bad(
            "Schema", f"{len(pending)} revisions are pending.", "payme migrate plan, a backup, then payme migrate up"
        )
    if pending:
        reasons = [reason for reason in pending.values() if reason]
        return look("Schema", f"{len(pending)} removals are pending.", "payme migrate status", details=reasons)
    return good("Schema", f"at its head, {max(applied)}.")


def _unreachable(found: str) -> Diagnosis:
    return bad("Database", f"cannot be reached: {found}", "Is PostgreSQL up, and DATABASE_URL right?")


def _expectations(settings: Settings) -> Expectations:
    # The last question is spread by a tenth, so that a herd of prompts does not ask at once.
    last = timedelta(seconds=max(settings.mpesa_query_schedule_seconds)) * 1.1
    return Expectations(last + _SLACK, settings.mpesa_environment.value)


async def _probe(database: Database, settings: Settings) -> Diagnosis:
    """Ask Safaricom about a prompt that never was: whatever it says of it, credentials and network are right."""
    if settings.mpesa_consumer_key is None:
        return look("Safaricom", "was not asked, for want of credentials.", "See Selling tokens.")
    access = daraja_of(settings)
    try:
        collector = await database.run(lambda uow: collector_of(uow, "platform"), business_id=PLATFORM_BUSINESS_ID)
        client = access.client(database, collector)
        result = await client.stk_query(StkQuery(collector.account, _NOBODYS_PROMPT))
    finally:
        await access.http.aclose()
    return _ANSWERS.get(result.note, _SILENCE)
