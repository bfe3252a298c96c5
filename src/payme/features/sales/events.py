"""News of sales."""

from typing import ClassVar
from uuid import UUID

from payme.kit.events import Event


class SaleCompleted(Event):
    """A sale is paid in full; its stock is taken and its token charged."""

    name: ClassVar[str] = "sale.completed"
    total_cents: int
    till_id: UUID


class SaleChanged(Event):
    """A sale reached another state that is not completion."""

    name: ClassVar[str] = "sale.changed"
    status: str
