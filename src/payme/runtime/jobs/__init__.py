"""Jobs that are enqueued in the transaction that needs them: retries with a ceiling, schedules, dead letters.

A feature declares its jobs with `Tasks` and enqueues with `uow.enqueue`; a worker runs them. A job runs at least once, is
counted before each start, and its transactions commit only while its attempt is the newest one.
"""

from payme.runtime.jobs.context import FencedDatabase, JobContext
from payme.runtime.jobs.errors import DeadLetterNotFound, DeadLetterResolved, RetryLater, Superseded
from payme.runtime.jobs.registry import Registry, reactions, subscriptions
from payme.runtime.jobs.tasks import Backoff, Handler, Tasks

__all__ = [
    "Backoff",
    "DeadLetterNotFound",
    "DeadLetterResolved",
    "FencedDatabase",
    "Handler",
    "JobContext",
    "Registry",
    "RetryLater",
    "Superseded",
    "Tasks",
    "reactions",
    "subscriptions",
]
