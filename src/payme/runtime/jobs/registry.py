"""All jobs of the product in one place, checked against each other; and who hears which event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from payme.runtime.jobs.tasks import DEFAULT_ATTEMPTS, Reaction, Schedule, Task, Tasks


@dataclass(frozen=True, slots=True)
class Registry:
    """Every task by its name, and every schedule."""

    tasks: Mapping[str, Task]
    schedules: tuple[Schedule, ...]

    @classmethod
    def of(cls, all_tasks: Iterable[Tasks], *, attempts: int = DEFAULT_ATTEMPTS) -> Registry:
        """Collect the tasks of all features; two jobs of one name are our own mistake.

        `attempts` is the ceiling of jobs that state none.
        """
        tasks: dict[str, Task] = {}
        schedules: list[Schedule] = []
        for each in all_tasks:
            for task in each.jobs:
                assert task.name not in tasks, f"two jobs are called {task.name}"
                tasks[task.name] = task if task.states_attempts else replace(task, attempts=attempts)
            schedules += each.schedules
        return cls(tasks, tuple(schedules))


def subscriptions(all_tasks: Iterable[Tasks]) -> dict[str, list[str]]:
    """Return the names of the jobs that hear each event, by the event's name."""
    heard: dict[str, list[str]] = {}
    for each in all_tasks:
        for subscription in each.subscriptions:
            heard.setdefault(subscription.event, []).append(subscription.job)
    return heard


def reactions(all_tasks: Iterable[Tasks]) -> dict[str, list[Reaction]]:
    """Return what is done inside the transaction of each event, by the event's name, in the order of the features."""
    found: dict[str, list[Reaction]] = {}
    for each in all_tasks:
        for event, reaction in each.reactions:
            found.setdefault(event, []).append(reaction)
    return found
