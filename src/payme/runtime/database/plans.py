"""What is pending, in words: kind, locks and time-outs of each revision, its SQL, and why it has to wait where it does.

Not here: asking the database (`migrations`) and printing (`migrate_cli`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from payme.runtime.database.locks import locks_of
from payme.runtime.database.revisions import Phase

if TYPE_CHECKING:
    from payme.runtime.database.migrations import Migrator
    from payme.runtime.database.revisions import Revision

KINDS: Final = {
    Phase.EXPAND: "adds; the release before works with it",
    Phase.CONTRACT: "removes; no release in support may need it",
}


def describe_revision(migrator: Migrator, revision: Revision, why_not: str | None) -> str:
    """Return a revision as the plan shows it: comments, then its SQL."""
    how = "in a transaction" if revision.in_transaction else "outside a transaction"
    lock_seconds, statement_seconds = migrator.timeouts(revision)
    waits = f"gives way after {lock_seconds:g} s, then again" if lock_seconds else "waits, holding nobody up"
    locks = locks_of(revision.sql)
    return "\n".join(
        (
            f"-- {revision.file_name} ({how})",
            f"--   kind: {revision.phase}: {KINDS[revision.phase]}",
            *(f"--   locks {each}" for each in locks),
            *(() if locks else ("--   locks nothing that was there before",)),
            f"--   time-outs: for a lock it {waits}; a statement may take {statement_seconds:g} s",
            *((f"--   {why_not}",) if why_not else ()),
            revision.sql.rstrip(),
            "",
        )
    )
