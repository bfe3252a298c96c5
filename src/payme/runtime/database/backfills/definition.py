"""What a backfill is: its name, what one batch does, and how many rows are left. No SQL of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from payme.runtime.database.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch did: rows written, and the key it ended at as text (None: no row lies behind the key it was given)."""

    rows: int
    last: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """A change of the rows of every business, one business after the other.

    `batch` gets the key to begin behind (None: the first) and how many rows it may take; it orders by key and locks what it
    changes. `count_left` returns how many rows of the business at hand the change has not reached, in whatever way they came.
    """

    name: str
    what: str
    batch: Callable[[UnitOfWork, str | None, int], Awaitable[Batch]]
    count_left: Callable[[UnitOfWork], Awaitable[int]]
