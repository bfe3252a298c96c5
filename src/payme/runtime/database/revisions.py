"""Migration files as values: what a file name says, what is refused before any database is asked.

Not here: running them (`migrations`). Invariant: a revision that was applied never changes and never disappears, and a new
one is newer than everything applied, so that every database has walked the same path.
"""

import hashlib
import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from payme.runtime.database.directives import Directives, MigrationError, read_directives

__all__ = ["MigrationError", "Phase", "Revision", "load_revisions", "pending_revisions"]

FILE_NAME = re.compile(r"(?P<version>\d{12})_(?P<phase>expand|contract)_(?P<what>[a-z0-9_]+)\.sql")
NO_TRANSACTION = "-- payme: no-transaction"
TRANSACTION_CONTROL = re.compile(r"^\s*(begin|commit|rollback|start\s+transaction)\s*;", re.IGNORECASE | re.MULTILINE)
STATEMENT_END = re.compile(r";[ \t]*$", re.MULTILINE)
REPEATABLE = re.compile(r"\bif\s+(not\s+)?exists\b", re.IGNORECASE)


class Phase(StrEnum):
    """Expand works under the previous release; contract removes what no supported release uses any more."""

    EXPAND = "expand"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Revision:
    """One SQL file of the migrations folder."""

    version: str
    phase: Phase
    what: str
    sql: str
    checksum: str
    directives: Directives = field(default_factory=Directives)

    @property
    def in_transaction(self) -> bool:
        """Whether the whole file is one transaction."""
        return self.directives.in_transaction

    @property
    def file_name(self) -> str:
        """The name of the file in the folder."""
        return f"{self.version}_{self.phase}_{self.what}.sql"

    @property
    def statements(self) -> tuple[str, ...]:
        """The statements of a file that runs outside a transaction, where a semicolon ends a line and a statement."""
        return tuple(each.strip() for each in STATEMENT_END.split(self.sql) if each.strip())


def load_revisions(folder: Path) -> tuple[Revision, ...]:
    """Read all revisions of a folder, oldest first.

    Raises: MigrationError for a name out of form, a version used twice, or contents that the runner could not undo.
    """
    if not folder.is_dir():
        raise MigrationError(f"There is no folder of migrations at {folder}.")
    revisions = [_load(path) for path in sorted(folder.glob("*.sql"))]
    for older, newer in itertools.pairwise(revisions):
        if older.version == newer.version:
            raise MigrationError(f"{older.file_name} and {newer.file_name} have the same version; rename one of them.")
    return tuple(revisions)


def pending_revisions(
    revisions: Sequence[Revision], applied: Mapping[str, str], *, contracts: Collection[str] = ()
) -> tuple[Revision, ...]:
    """Return what is still to be applied; `applied` maps versions to checksums, `contracts` are those that removed something.

    A schema that a later release has expanded is one that this release runs on: that is how one goes back.

    Raises: MigrationError when history and files disagree: a file changed, a file is missing, or a gap would be filled.
    """
    known = {revision.version: revision for revision in revisions}
    newest_known = max(known, default="")
    for version, checksum in applied.items():
        revision = known.get(version)
        if revision is None:
            if version > newest_known and version not in contracts:
                continue
            raise MigrationError(
                f"The database has revision {version}, which this release does not know. Run a newer one."
            )
        if revision.checksum != checksum:
            raise MigrationError(f"{revision.file_name} was changed after it was applied. Restore it; add a new one.")
    pending = tuple(revision for revision in revisions if revision.version not in applied)
    newest = max(applied, default="")
    if pending and pending[0].version < newest:
        raise MigrationError(
            f"{pending[0].file_name} is older than {newest}, which is applied. Give it a newer version."
        )
    return pending


def _load(path: Path) -> Revision:
    parts = FILE_NAME.fullmatch(path.name)
    if parts is None:
        raise MigrationError(f"{path.name} is not named YYYYMMDDHHMM_expand|contract_what_it_does.sql.")
    sql = path.read_text(encoding="utf-8")
    directives = read_directives(sql, path.name)
    in_transaction = not sql.lstrip().startswith(NO_TRANSACTION)
    if in_transaction != directives.in_transaction:
        raise MigrationError(f"{path.name}: `{NO_TRANSACTION}` stands in the first line or nowhere.")
    if TRANSACTION_CONTROL.search(sql):
        raise MigrationError(f"{path.name} begins or ends a transaction itself; the runner does that.")
    if not in_transaction and not REPEATABLE.search(sql):
        raise MigrationError(
            f"{path.name} runs outside a transaction, so it must bear repetition: write `if not exists`."
        )
    return Revision(
        version=parts["version"],
        phase=Phase(parts["phase"]),
        what=parts["what"],
        sql=sql,
        checksum=hashlib.sha256(sql.encode()).hexdigest(),
        directives=directives,
    )
