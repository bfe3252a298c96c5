"""Offline devices: operations pushed exactly once, documents pulled since a cursor, conflicts shown to a person.

Devices, verdicts and park places live here. Stamps of synced documents do not: `runtime.database` writes them, so
that no feature below has to know this one.
"""

from payme.features.sync.services.pressure import Pressure

__all__ = ["Pressure"]
