"""News of the wallet."""

from typing import ClassVar
from uuid import UUID

from payme.kit.events import Event


class TokensPurchased(Event):
    """Tokens were paid for and credited; the platform's revenue is booked from this."""

    name: ClassVar[str] = "tokens.purchased"
    quantity: int
    paid_cents: int
    payment_id: UUID
    booked_as: UUID | None = None
    """What the platform books it under, where that is not the payment."""
