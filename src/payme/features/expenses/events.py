"""News of expenses, for live screens."""

from typing import ClassVar

from payme.kit.events import Event


class ExpenseChanged(Event):
    """An expense was recorded, or has come further."""

    name: ClassVar[str] = "expense.changed"
    state: str
    amount_cents: int
