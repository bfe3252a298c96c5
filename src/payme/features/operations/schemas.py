"""What operations report: how an invariant fared, and what the doctor found. No SQL, no printing."""

from enum import StrEnum
from typing import Final
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


class KeyUse(BaseModel):
    """How many values of a table stand under a key."""

    table: str
    key_id: str
    values: int


class Rotation(BaseModel):
    """What a rotation did: rows encrypted anew, and those that could not be read and stay as they are."""

    renewed: int = 0
    unreadable: list[str] = Field(default_factory=list[str])
