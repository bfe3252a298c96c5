"""HTTP of sync: rows and what became of them, devices, and what they exchange."""

from payme.features.sync.endpoints import conflicts, rows
from payme.runtime.http import Feature

feature = Feature("sync", "Tills that sell without a network.", (rows.router, conflicts.router))
