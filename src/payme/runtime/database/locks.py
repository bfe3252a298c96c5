"""Which tables a revision locks and what that keeps others from, read off its text before it runs.

Told are locks on tables that were there before the revision; what it makes itself nobody waits for. Not here: how long a lock
is waited for (`directives`). Source: PostgreSQL's documentation, "Explicit Locking" and each command's own page.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

_NOISE: Final = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
_BODIES: Final = re.compile(r"(\$[a-z_]*\$).*?\1", re.DOTALL)
_TENANT_TABLE: Final = re.compile(r"\b(?:tenant|shared)_table\('([a-z_]+)'")
_NAME: Final = r"(?:if\s+(?:not\s+)?exists\s+)?(?:only\s+)?(?P<table>[a-z_][a-z0-9_]*)"


class Lock(IntEnum):
    """What a lock is called here, the weakest first; the words for people are in `WORDS`."""

    ROW_EXCLUSIVE = 1
    SHARE_UPDATE_EXCLUSIVE = 2
    SHARE = 3
    SHARE_ROW_EXCLUSIVE = 4
    ACCESS_EXCLUSIVE = 5


WORDS: Final = {
    Lock.ROW_EXCLUSIVE: "reading and writing go on",
    Lock.SHARE_UPDATE_EXCLUSIVE: "reading and writing go on",
    Lock.SHARE: "nobody writes meanwhile",
    Lock.SHARE_ROW_EXCLUSIVE: "nobody writes meanwhile",
    Lock.ACCESS_EXCLUSIVE: "nobody reads or writes meanwhile",
}


@dataclass(frozen=True, slots=True)
class TableLock:
    """The strongest lock of a revision on one table."""

    table: str
    lock: Lock

    def __str__(self) -> str:
        """Say it as the plan shows it."""
        return f"{self.table}: {self.lock.name.replace('_', ' ')} ({WORDS[self.lock]})"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.replace("NAME", _NAME))


# The first that fits a statement counts; those that lock by what stands inside them come after.
_COMMANDS: Final = (
    (_pattern(r"^create\s+(?:unique\s+)?index\s+concurrently\b.*?\son\s+NAME"), Lock.SHARE_UPDATE_EXCLUSIVE),
    (_pattern(r"^create\s+(?:unique\s+)?index\b.*?\son\s+NAME"), Lock.SHARE),
    (_pattern(r"^alter\s+table\s+NAME\s+validate\s+constraint\s+\w+$"), Lock.SHARE_UPDATE_EXCLUSIVE),
    (_pattern(r"^alter\s+table\s+NAME\s+add\s+constraint\s+\w+\s+foreign\s+key[^,]*(?:\([^)]*\)[^,]*)*$"),
     Lock.SHARE_ROW_EXCLUSIVE),
    (_pattern(r"^(?:alter|drop)\s+table\s+NAME"), Lock.ACCESS_EXCLUSIVE),
    (_pattern(r"^truncate\s+(?:table\s+)?NAME"), Lock.ACCESS_EXCLUSIVE),
    (_pattern(r"^(?:create|alter|drop)\s+policy\s.*?\son\s+NAME"), Lock.ACCESS_EXCLUSIVE),
    (_pattern(r"^create\s+(?:or\s+replace\s+)?(?:constraint\s+)?trigger\s.*?\son\s+NAME"), Lock.SHARE_ROW_EXCLUSIVE),
    (_pattern(r"^comment\s+on\s+(?:table|column)\s+NAME"), Lock.SHARE_UPDATE_EXCLUSIVE),
    (_pattern(r"^(?:insert\s+into|delete\s+from|update)\s+NAME"), Lock.ROW_EXCLUSIVE),
)  # fmt: skip
_REFERENCES: Final = re.compile(r"\breferences\s+([a-z_][a-z0-9_]*)")
_MADE: Final = _pattern(r"^create\s+(?:unlogged\s+)?(?:table|view)\s+NAME")


def locks_of(sql: str) -> tuple[TableLock, ...]:
    """Return the strongest lock on each table that was there before, by name."""
    lowered = sql.lower()
    found: dict[str, Lock] = {}
    made: set[str] = set()
    for table in _TENANT_TABLE.findall(lowered):
        _note(found, table, Lock.ACCESS_EXCLUSIVE)
    for statement in _statements(lowered):
        new = _MADE.match(statement)
        if new:
            made.add(new["table"])
        for pattern, lock in _COMMANDS:
            hit = pattern.match(statement)
            if hit:
                _note(found, hit["table"], lock)
                break
        for table in _REFERENCES.findall(statement) if statement.startswith(("create table", "alter table")) else ():
            _note(found, table, Lock.SHARE_ROW_EXCLUSIVE)
    return tuple(TableLock(table, lock) for table, lock in sorted(found.items()) if table not in made)


def _statements(sql: str) -> list[str]:
    plain = _NOISE.sub(" ", _BODIES.sub(" ", sql))
    return [" ".join(each.split()) for each in plain.split(";") if each.strip()]


def _note(found: dict[str, Lock], table: str, lock: Lock) -> None:
    found[table] = max(lock, found.get(table, lock))
