"""Long changes of data between an expand and its contract: by key, a batch to a transaction, beside trading shops.

A feature says what a batch does and how what is left is counted (`Backfill`); the rest is the same for all. Not here: the
schema (`migrations`), and which backfills a release has (`payme.entrypoints.backfills`).
Invariant: how far it came is committed with the batch that came so far, so what was killed goes on where it was.
"""

from payme.runtime.database.backfills.definition import Backfill, Batch
from payme.runtime.database.backfills.pressure import Pace, Pressure, read_pressure
from payme.runtime.database.backfills.record import Progress, list_progress
from payme.runtime.database.backfills.runner import Run, count_left, run_backfill, verify_backfill

__all__ = [
    "Backfill",
    "Batch",
    "Pace",
    "Pressure",
    "Progress",
    "Run",
    "count_left",
    "list_progress",
    "read_pressure",
    "run_backfill",
    "verify_backfill",
]
