"""What operations report: how an invariant fared, what the doctor found, what a backup holds. No SQL, no printing."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field

EXAMPLES: Final = 3


class Example(BaseModel):
    """One row that breaks an invariant; `business_id` is None where it stands outside all businesses."""

    business_id: UUID | None
    id: str


class Finding(BaseModel):
    """How many rows break an invariant, with a few of them. `number` is its line in the list of what must hold."""

    number: int
    code: str
    name: str
    violations: int = 0
    examples: list[Example] = Field(default_factory=list[Example])

    def add(self, other: "Finding") -> None:
        """Count what was found elsewhere for the same invariant."""
        self.violations += other.violations
        self.examples = [*self.examples, *other.examples][:EXAMPLES]


class Report(BaseModel):
    """Every invariant over every business that was looked at."""

    businesses: int
    findings: list[Finding]

    @property
    def holds(self) -> bool:
        """Whether nothing is broken."""
        return not any(each.violations for each in self.findings)


class Mark(StrEnum):
    """How a line of the doctor ended: fine, worth a look, or broken."""

    GOOD = "good"
    LOOK = "look"
    BAD = "bad"


class Diagnosis(BaseModel):
    """One line of the doctor: what was looked at, what it found, and what to do next where something is to be done."""

    mark: Mark
    subject: str
    found: str
    next_step: str = ""
    details: list[str] = Field(default_factory=list[str])


def good(subject: str, found: str) -> Diagnosis:
    """Return a line that says that all is well."""
    return Diagnosis(mark=Mark.GOOD, subject=subject, found=found)


def look(subject: str, found: str, next_step: str, *, details: list[str] | None = None) -> Diagnosis:
    """Return a line that a person should look at."""
    return Diagnosis(mark=Mark.LOOK, subject=subject, found=found, next_step=next_step, details=details or [])


def bad(subject: str, found: str, next_step: str, *, details: list[str] | None = None) -> Diagnosis:
    """Return a line about something that is broken."""
    return Diagnosis(mark=Mark.BAD, subject=subject, found=found, next_step=next_step, details=details or [])


class ChainHead(BaseModel):
    """Where the audit chain of a business ended; `hash` is hexadecimal."""

    position: int
    hash: str


class Contents(BaseModel):
    """What a database held at one moment: rows by table, the newest revision of the schema, and every audit chain's end."""

    schema_version: str
    rows: dict[str, int]
    audit_heads: dict[UUID, ChainHead]


BACKUPS: Final = "backups/"
DUMP: Final = ".dump.age"
MANIFEST: Final = ".json"


def dump_key(backup_id: str) -> str:
    """Return where the encrypted dump of a backup lies in its store."""
    return f"{BACKUPS}{backup_id}{DUMP}"


def manifest_key(backup_id: str) -> str:
    """Return where the manifest of a backup lies in its store."""
    return f"{BACKUPS}{backup_id}{MANIFEST}"


class Manifest(BaseModel):
    """What a backup is. `created_at` is the moment of its snapshot; sizes in bytes, `sha256` of the encrypted object."""

    format: Literal[1] = 1
    id: str
    created_at: datetime
    finished_at: datetime
    version: str
    release: str
    environment: str
    server_major: int
    dump_major: int
    recipients: list[str]
    size: int
    dump_size: int
    sha256: str
    contents: Contents

    @property
    def object_key(self) -> str:
        """Where the encrypted dump lies in its store."""
        return dump_key(self.id)


class Drill(BaseModel):
    """How a backup fared when it was restored to try it. `faults` is empty where everything was as it should be."""

    backup_id: str
    drilled_at: datetime
    recovery_point_seconds: int
    recovery_seconds: int
    businesses: int
    invariants: int
    rows: int
    faults: list[str]

    @property
    def passed(self) -> bool:
        """Whether the backup is worth having."""
        return not self.faults


class Upkeep(BaseModel):
    """How backups are looked after: the newest one, the newest drill, and what lies in the store without being either."""

    place: str
    newest: Manifest | None = None
    drill: Drill | None = None
    count: int = 0
    unfinished: int = 0


def in_words(span: timedelta) -> str:
    """Return how long something is, in the two largest units."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")) if count
    ]
    return " ".join(parts[:2]) or "0 s"


class KeyUse(BaseModel):
    """How many values of a table stand under a key."""

    table: str
    key_id: str
    values: int


class Rotation(BaseModel):
    """What a rotation did: rows encrypted anew, and those that could not be read and stay as they are."""

    renewed: int = 0
    unreadable: list[str] = Field(default_factory=list[str])
