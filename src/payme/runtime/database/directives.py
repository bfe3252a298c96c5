"""What a revision says of itself in its first comments: how long it may take, and what has to be true before it runs.

A line is `-- payme: word value`. Not here: the rest of the file (`revisions`) and who acts on it (`migrations`, `contracts`).
Invariant: a word that is not known is refused, so that a slip of the pen never means "no limit" or "no condition".
"""

import re
from dataclasses import dataclass
from typing import Final

from payme.kit.errors import PaymeError

LINE: Final = re.compile(r"^--\s*payme:\s*(?P<word>[a-z-]+)(?:[ \t]+(?P<value>\S.*?))?\s*$", re.MULTILINE)
SECONDS: Final = re.compile(r"\d{1,5}(\.\d{1,3})?")
RELEASE: Final = re.compile(r"\d{1,5}\.\d{1,5}\.\d{1,5}")
BACKFILL: Final = re.compile(r"[a-z][a-z0-9_]{2,60}")


class MigrationError(PaymeError):
    """The schema could not be brought to the wanted state; nothing half-done stays."""


@dataclass(frozen=True, slots=True)
class Directives:
    """What stands in the comments of one file; seconds are None where the settings decide.

    `unused_since` is the first release that no longer needs what a contract removes; `after_backfill` names the backfill
    that must have left nothing before it.
    """

    in_transaction: bool = True
    lock_seconds: float | None = None
    statement_seconds: float | None = None
    unused_since: str = ""
    after_backfill: str = ""


def read_directives(sql: str, file_name: str) -> Directives:
    """Return what a file says of itself. Raises: MigrationError for an unknown word or a value out of form."""
    said: dict[str, str] = {}
    for line in LINE.finditer(sql):
        word, value = line["word"], line["value"] or ""
        form = _FORMS.get(word)
        if form is None or word in said or not form.fullmatch(value):
            raise MigrationError(f"{file_name}: `{line[0]}` is not understood, or said twice.")
        said[word] = value
    return Directives(
        in_transaction="no-transaction" not in said,
        lock_seconds=_seconds(said, "lock-seconds"),
        statement_seconds=_seconds(said, "statement-seconds"),
        unused_since=said.get("unused-since", ""),
        after_backfill=said.get("after-backfill", ""),
    )


def _seconds(said: dict[str, str], word: str) -> float | None:
    return float(said[word]) if word in said else None


_FORMS: Final = {
    "no-transaction": re.compile(""),
    "lock-seconds": SECONDS,
    "statement-seconds": SECONDS,
    "unused-since": RELEASE,
    "after-backfill": BACKFILL,
}
