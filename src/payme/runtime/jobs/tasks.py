"""What a feature says about its jobs: their names, handlers, ceilings, the events they hear and the hours they run at.

A feature's `tasks.py` holds one `Tasks`; wiring collects them all. Nothing is enqueued or run here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from croniter import croniter

if TYPE_CHECKING:
    from payme.kit.events import Event
    from payme.runtime.database import UnitOfWork
    from payme.runtime.jobs.context import JobContext

Handler = Callable[["JobContext"], Awaitable[None]]
Reaction = Callable[["UnitOfWork", Any], Awaitable[None]]
DEFAULT_ATTEMPTS: Final = 10
CRON_FIELDS: Final = 5


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait between attempts: anything from nothing to first × 2ⁿ, and when to give up for good."""

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=10)
    give_up_after: timedelta = timedelta(hours=24)

    def delay(self, attempts: int, chance: float) -> timedelta:
        """Return the wait after so many attempts; `chance` is random, from 0 to 1, and spreads the herd."""
        steps = min(max(attempts - 1, 0), 32)
        return min(self.first * 2**steps, self.longest) * chance


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of job."""

    name: str
    handler: Handler
    attempts: int = DEFAULT_ATTEMPTS
    backoff: Backoff = field(default_factory=Backoff)
    time_limit: timedelta = timedelta(seconds=60)
    retry_on: tuple[type[Exception], ...] = ()
    states_attempts: bool = True
    """Whether the ceiling is the task's own; otherwise the deployment's takes its place."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that is enqueued by the clock; the expression has five fields and is read in Nairobi time."""

    expression: str
    job: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """An event, by name, and the job that hears it."""

    event: str
    job: str


@dataclass(slots=True)
class Tasks:
    """The jobs of one feature; each name begins with the feature's."""

    feature: str
    jobs: list[Task] = field(default_factory=list[Task])
    schedules: list[Schedule] = field(default_factory=list[Schedule])
    subscriptions: list[Subscription] = field(default_factory=list[Subscription])
    reactions: list[tuple[str, Reaction]] = field(default_factory=list["tuple[str, Reaction]"])

    def job(
        self,
        name: str,
        *,
        attempts: int | None = None,
        backoff: Backoff | None = None,
        time_limit: timedelta = timedelta(seconds=60),
        retry_on: tuple[type[Exception], ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare a handler: `attempts` that fail at most (None: as the deployment says), each cancelled after `time_limit`.

        A start whose process died is no failure: five times as many may be lost, so that a job is not buried for what another
        one did to its worker; with one attempt it is never begun twice.

        A domain error ends the job at once unless `retry_on` names it; an unavailable provider, a busy database and an error
        that nobody foresaw are tried again. The handler must expect to run again after any of its commits.
        """
        assert name.startswith(f"{self.feature}."), f"{name} is no job of {self.feature}"
        assert attempts is None or attempts >= 1, f"{name} may never run"

        def declare(handler: Handler) -> Handler:
            stated = attempts is not None
            ceiling = attempts or DEFAULT_ATTEMPTS
            self.jobs.append(Task(name, handler, ceiling, backoff or Backoff(), time_limit, retry_on, stated))
            return handler

        return declare

    def on(
        self,
        event: type[Event],
        *,
        job: str,
        attempts: int | None = None,
        retry_on: tuple[type[Exception], ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare the handler of a job that is enqueued in the very transaction that publishes the event."""
        self.subscriptions.append(Subscription(event.name, job))
        return self.job(job, attempts=attempts, retry_on=retry_on)

    def within(self, event: type[Event]) -> Callable[[Reaction], Reaction]:
        """Declare what is done inside the very transaction that publishes the event, just before its end.

        For what must exist as soon as the event has happened, such as a new business's wallet. A reaction that raises
        undoes the transaction.
        """

        def declare(reaction: Reaction) -> Reaction:
            self.reactions.append((event.name, reaction))
            return reaction

        return declare

    def every(self, expression: str, job: str, *, attempts: int | None = None) -> Callable[[Handler], Handler]:
        """Declare the handler of a job that is enqueued by the clock, once for all workers, in Nairobi time.

        Five cron fields, so at most once a minute. While one such job waits or runs, no second is added.
        """
        fits = len(expression.split()) == CRON_FIELDS and croniter.is_valid(expression)
        assert fits, f"{expression!r} is no cron expression of five fields"
        self.schedules.append(Schedule(expression, job))
        return self.job(job, attempts=attempts)
