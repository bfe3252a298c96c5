"""Offline devices: operations pushed exactly once, documents pulled since a cursor, conflicts shown to a person.

Devices, verdicts and park places live here. Stamps of synced documents do not: `runtime.database` writes them, so
that no feature below has to know this one.
"""

from payme.features.sync.enums import Choice
from payme.features.sync.schemas.rows import ConflictView, ResolveConflict
from payme.features.sync.services.conflicts import resolve_conflict
from payme.features.sync.services.pressure import Pressure
from payme.features.sync.services.standing import begin_epoch

__all__ = ["Choice", "ConflictView", "Pressure", "ResolveConflict", "begin_epoch", "resolve_conflict"]
