"""What every process needs to know of the features: their jobs, collected from each `tasks` module that exists."""

import importlib
import importlib.util
import pkgutil

import payme.features
from payme.runtime.jobs import Tasks
from payme.runtime.jobs.worker import upkeep_tasks


def all_tasks() -> list[Tasks]:
    """Return the `tasks` of every feature, and the worker's own."""
    found = [upkeep_tasks]
    for feature in pkgutil.iter_modules(payme.features.__path__, "payme.features."):
        if importlib.util.find_spec(f"{feature.name}.tasks") is None:
            continue
        found.append(importlib.import_module(f"{feature.name}.tasks").tasks)
    return found
