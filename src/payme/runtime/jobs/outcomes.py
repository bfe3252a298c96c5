"""What becomes of a job whose handler raised: tried again, buried, or left to whoever holds it now. A pure decision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from payme.kit.errors import DomainError, OutcomeUnknown, ProviderRefused
from payme.runtime.database.errors import DatabaseBusy, DatabaseUnavailable
from payme.runtime.jobs.errors import AttemptsExhausted, MalformedPayload, RetryLater, Superseded

if TYPE_CHECKING:
    from payme.runtime.jobs.tasks import Task

_LONGEST_MESSAGE: Final = 500
_DATABASE: Final = (DatabaseBusy, DatabaseUnavailable)
_FOR_THE_DATABASE: Final = 5
_LONG_NUMBER: Final = re.compile(r"\d{4,}(?=\d{3})")
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+")
_SECRET: Final = re.compile(r"(?i)\b(bearer|basic|password|passkey|secret|token|key)(\W{1,3})\S+")


@dataclass(frozen=True, slots=True)
class Retry:
    """Run it again after the delay."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class Bury:
    """Keep it as a dead letter, for a person."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Touch nothing; the job is no longer ours."""


Decision = Retry | Bury | Leave


def decide(error: Exception, task: Task, *, counted: int, age: timedelta, chance: float) -> Decision:
    """Say what follows from an error after `counted` starts, the first of them `age` ago.

    A refusal, ours or a provider's, would be refused again. An outcome that is not known is asked about by the handler; one
    that comes this far waits for a person. Everything else may pass: it is tried again within the task's ceilings. Our own
    database's failures are no fault of the job: it is begun five times as often for them.
    """
    if isinstance(error, Superseded):
        return Leave()
    may_pass = isinstance(error, task.retry_on) or not isinstance(
        error, (DomainError, ProviderRefused, OutcomeUnknown, MalformedPayload, AttemptsExhausted)
    )
    ceiling = task.attempts * _FOR_THE_DATABASE if isinstance(error, _DATABASE) and task.attempts > 1 else task.attempts
    if not may_pass or counted >= ceiling or age >= task.backoff.give_up_after:
        return Bury()
    if isinstance(error, RetryLater) and error.after is not None:
        return Retry(error.after)
    return Retry(task.backoff.delay(counted, chance))


def describe(error: Exception) -> tuple[str, str]:
    """Return an error's class and its message without phone numbers, mail addresses and secrets, cut to 500 characters."""
    message = _SECRET.sub(r"\1\2***", str(error))
    message = _EMAIL.sub("***", _LONG_NUMBER.sub("***", message))
    return type(error).__name__, message[:_LONGEST_MESSAGE].replace("\x00", "")
