"""What can go wrong around a job, apart from what goes wrong inside it."""

from datetime import timedelta

from payme.kit.errors import Conflict, NotFound, PaymeError


class RetryLater(PaymeError):
    """Raised by a handler that cannot do its work now; `after` replaces the usual wait, the ceilings stay."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        self.after = after
        super().__init__(reason)


class Superseded(PaymeError):
    """A newer attempt of the same job has begun, or the job is gone; nothing of this attempt may commit any more."""


class MalformedPayload(PaymeError):
    """The payload of a job is not a JSON object."""


class UnknownJob(PaymeError):
    """No task has this name; it was renamed, or the worker is older than what enqueued it."""


class AttemptsExhausted(PaymeError):
    """The job was begun far more often than it may fail, and none of its workers lived to tell what happened."""


class DeadLetterNotFound(NotFound):
    """There is no such dead letter."""

    code = "jobs.dead_letter_not_found"


class DeadLetterResolved(Conflict):
    """This dead letter was retried or dropped already."""

    code = "jobs.dead_letter_resolved"
