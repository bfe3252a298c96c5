"""`payme backup`: make, list, verify, restore, drill and prune encrypted backups.

Exit codes: 0 done, 1 refused, damaged or a drill that failed, 75 where the store does not answer, so that it may be tried again.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from pydantic import TypeAdapter
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from payme.features.operations.cli.progress import shown
from payme.features.operations.errors import BackupError
from payme.features.operations.schemas import Drill, Manifest, in_words
from payme.features.operations.services.backups.create import Origin, create_backup
from payme.features.operations.services.backups.drill import Bench, drill_backup
from payme.features.operations.services.backups.prune import prune_backups
from payme.features.operations.services.backups.restore import (
    Destination,
    OpenAt,
    begin_where_known,
    restore_backup,
    set_prompts_aside,
)
from payme.features.operations.services.backups.shelf import Shelf, shelf_of
from payme.features.operations.services.backups.verify import verify_backup
from payme.integrations.objectstore import StoreRefused, StoreUnavailable
from payme.kit.errors import DomainError
from payme.runtime.database import Database, DatabaseUnavailable
from payme.runtime.database.dumps import DumpError
from payme.runtime.security.sealing import new_identity
from payme.runtime.settings import Settings

Result = TypeVar("Result")
_TRY_LATER: Final = 75
_LIST: Final = TypeAdapter(list[Manifest])
Id = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="Which one, as `payme backup list` shows it; else the newest.")
]
Identity = Annotated[
    Path | None,
    typer.Option(
        "--identity",
        help="File with the private key; else BACKUP_IDENTITY or BACKUP_IDENTITY_FILE.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What wiring provides: settings, which version this is, and how a database at a URL is opened in the worker's role."""

    settings: Callable[[], Settings]
    open_at: Callable[[Settings], OpenAt]
    version: str
    begin_epochs: Callable[[Database], Awaitable[int]]
    """What tells tills that the database went back; a feature of its own knows how."""


def build_backup_app(around: Surroundings) -> typer.Typer:
    """Return the group `backup`."""
    app = typer.Typer(
        no_args_is_help=True, help="Encrypted copies of everything, and the proof that they can be restored."
    )
    commands = _Commands(around)
    for command in (
        commands.create, commands.list, commands.verify, commands.restore, commands.drill, commands.prune, commands.keygen,
    ):  # fmt: skip
        app.command()(command)
    return app


@dataclass(frozen=True, slots=True)
class _Commands:
    around: Surroundings = field(repr=False)

    def create(self) -> None:
        """Dump the database, encrypt it to BACKUP_RECIPIENTS and store it in BACKUP_STORE.

        Runs beside trading shops and changes nothing in the database. Needs no private key. The backup is there when its manifest
        is, which is written last; whatever breaks off leaves none.
        """
        settings, shelf = self._ready()
        origin = Origin(
            database_url=settings.dumped_database_url(),
            recipients=settings.backup_recipients,
            version=self.around.version,
            release=settings.release,
            environment=settings.app_env,
        )
        with shown() as show:
            manifest = _run(create_backup(shelf, origin, show=show))
        typer.echo(
            f"{manifest.id}: {decimal(manifest.size)}, {sum(manifest.contents.rows.values())} rows "
            f"of {len(manifest.contents.rows)} tables, in {shelf.store.place}"
        )

    def list(self, *, as_json: Json = False) -> None:
        """Show the backups that are there, oldest first. Changes nothing."""
        _, shelf = self._ready()
        manifests = _guarded(shelf.list_backups)
        if as_json:
            typer.echo(_LIST.dump_json(manifests, indent=2).decode())
            return
        if not manifests:
            typer.echo(f"There is no backup in {shelf.store.place}.")
            return
        table = Table("Backup", "Made (UTC)", "Size", "Rows", "Schema", "Release", box=None, padding=(0, 1))
        for each in manifests:
            rows, made = str(sum(each.contents.rows.values())), f"{each.created_at:%Y-%m-%d %H:%M}"
            table.add_row(each.id, made, decimal(each.size), rows, each.contents.schema_version, each.release[:12])
        Console().print(table)

    def verify(self, backup_id: Id = None, *, identity: Identity = None) -> None:
        """Read a backup to its end: its hash is right, it can be opened, and it lists what is in it.

        Without a private key only length and hash are compared, and it says so. Changes nothing.
        """
        settings, shelf = self._ready()
        key = _identity(settings, identity, needed=False)
        manifest = _guarded(lambda: shelf.choose(backup_id))
        with shown() as show:
            _run(verify_backup(shelf, manifest, identity=key or None, show=show))
        how = "whole, opened and listed" if key else "whole; it was not opened, for want of a private key"
        typer.echo(f"{manifest.id} is {how}.")

    def restore(
        self,
        backup_id: Id = None,
        *,
        identity: Identity = None,
        into: Annotated[
            str, typer.Option(help="Another database than that of the settings, as a URL.", show_default=False)
        ] = "",
        replace: Annotated[bool, typer.Option("--replace", help="Delete what is in the database first.")] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    ) -> None:
        """Restore a backup into an empty database, in one transaction, and count what arrived.

        The whole backup is read and checked before anything is written. Prompts that waited when it was made are set aside as dead
        letters: they may have been paid since. Tills learn that the books went back, and send again what is missing. Afterwards: payme check invariants, payme doctor.
        """
        settings, shelf = self._ready()
        key = _identity(settings, identity, needed=True)
        manifest = _guarded(lambda: shelf.choose(backup_id))
        url = into or settings.direct_database_url()
        age = in_words(shelf.clock.now() - manifest.created_at)
        if replace and not yes:
            typer.confirm(f"Delete everything in the database and restore {manifest.id}, {age} old?", abort=True)
        with shown() as show:
            _run(restore_backup(shelf, manifest, Destination(url, replace=replace), identity=key, show=show))
            aside = _run(set_prompts_aside(self.around.open_at(settings), url))
            knows_epochs = _run(begin_where_known(self.around.open_at(settings), url, self.around.begin_epochs))
        typer.echo(f"{manifest.id} is restored: {sum(manifest.contents.rows.values())} rows, as they were {age} ago.")
        if aside:
            typer.echo(
                f"{aside} prompts to customers were set aside; see payme jobs dead, and retry none that may be paid."
            )
        epoch = "" if knows_epochs else " payme sync begin-epoch,"
        typer.echo(f"Next: payme migrate up,{epoch} payme check invariants, payme doctor.")

    def drill(self, backup_id: Id = None, *, identity: Identity = None, as_json: Json = False) -> None:
        """Restore the newest backup into a scratch server and hold it against its manifest, every invariant and the audit chains.

        Prints how old the backup is (RPO) and how long it took to have it back (RTO), and records the result beside the backups,
        where payme doctor finds it. The scratch server is deleted. Exits with 1 when the backup is not good.
        """
        settings, shelf = self._ready()
        key = _identity(settings, identity, needed=True)
        manifest = _guarded(lambda: shelf.choose(backup_id))
        bench = Bench(key, self.around.open_at(settings))
        with shown() as show:
            result = _run(drill_backup(shelf, manifest, bench, show=show))
        if as_json:
            typer.echo(result.model_dump_json(indent=2))
        else:
            _print_drill(result)
        if not result.passed:
            raise typer.Exit(1)

    def prune(self) -> None:
        """Remove backups older than BACKUP_KEEP_DAYS, and dumps that never became one. The newest backup always stays."""
        settings, shelf = self._ready()
        keep = timedelta(days=settings.backup_keep_days)
        removed = _guarded(lambda: prune_backups(shelf, keep=keep, now=shelf.clock.now()))
        for each in removed:
            typer.echo(f"removed {each}")
        typer.echo(f"{len(removed)} removed, {len(_guarded(shelf.list_ids))} backups kept.")

    def keygen(
        self, file: Annotated[Path, typer.Argument(help="New file for the private key; keep it off this server.")]
    ) -> None:
        """Make a key pair: the private key into a new file, the public one, for BACKUP_RECIPIENTS, printed."""
        private, public = new_identity()
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise _refusal(f"{file} cannot be made: {error.strerror}.") from None
        with os.fdopen(descriptor, "w") as stream:
            stream.write(f"# public key: {public}\n{private}\n")
        typer.echo(public)

    def _ready(self) -> tuple[Settings, Shelf]:
        settings = self.around.settings()
        return settings, _guarded(lambda: shelf_of(settings))


def _print_drill(drill: Drill) -> None:
    for fault in drill.faults:
        typer.echo(f"✗ {fault}")
    mark, word = ("✓", "is good") if drill.passed else ("✗", "is not good")
    typer.echo(
        f"{mark} {drill.backup_id} {word}: {drill.rows} rows, {drill.invariants} lines of what must hold over "
        f"{drill.businesses} businesses."
    )
    point, time = timedelta(seconds=drill.recovery_point_seconds), timedelta(seconds=drill.recovery_seconds)
    typer.echo(f"RPO {in_words(point)} (what was sold since would be lost)")
    typer.echo(f"RTO {in_words(time)} (fetch, restore, check)")


def _identity(settings: Settings, file: Path | None, *, needed: bool) -> str:
    if file is not None:
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _refusal(f"{file} cannot be read ({type(error).__name__}).") from None
    if settings.backup_identity is not None:
        return settings.backup_identity.get_secret_value()
    if needed:
        raise _refusal("Backups are opened with a private key: name its file with --identity or BACKUP_IDENTITY_FILE.")
    return ""


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    return _guarded(lambda: asyncio.run(work))


def _guarded(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except StoreUnavailable as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(_TRY_LATER) from None
    except StoreRefused as error:
        raise _refusal(error.message) from None
    except DomainError as error:
        raise _refusal(error.message) from None
    except (BackupError, DumpError, DatabaseUnavailable) as error:
        raise _refusal(str(error)) from None


def _refusal(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(1)
