"""What every process needs to know of the features: their jobs and who hears which event.

Collected from each feature's `tasks` module, in the order of the features' names.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import payme.features
from payme.runtime.database import Wiring
from payme.runtime.jobs import Tasks, reactions, subscriptions
from payme.runtime.jobs.worker import upkeep_tasks


def all_tasks() -> list[Tasks]:
    """Return the `tasks` of every feature, and the worker's own."""
    return [upkeep_tasks, *(module.tasks for module in _task_modules())]


def wire(tools: Mapping[type[Any], Any]) -> Wiring:
    """Return who hears which event, with the tools that services ask for; the same in every process."""
    tasks = all_tasks()
    return Wiring(jobs=subscriptions(tasks), reactions=reactions(tasks), tools=tools)


def _task_modules() -> list[ModuleType]:
    names = [feature.name for feature in pkgutil.iter_modules(payme.features.__path__, "payme.features.")]
    return [
        importlib.import_module(f"{name}.tasks")
        for name in names
        if importlib.util.find_spec(f"{name}.tasks") is not None
    ]
