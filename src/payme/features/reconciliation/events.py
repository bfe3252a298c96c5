"""News of reconciliation."""

from datetime import date
from typing import ClassVar

from payme.kit.events import Event


class ReconciliationFinished(Event):
    """A day was reconciled; `open_cents` is what its open differences come to, whichever way."""

    name: ClassVar[str] = "reconciliation.finished"
    date: date
    run: int
    open_differences: int
    open_cents: int


class DifferenceClosed(Event):
    """A person closed a difference."""

    name: ClassVar[str] = "difference.closed"
    kind: str
    reason: str
    amount_cents: int
