"""The ports through which payments learns what a reference that a customer typed is for; features above answer them."""

from typing import Protocol
from uuid import UUID

from payme.features.payments.schemas import Purpose
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class Expected:
    """Something that waits for money: what, and how much of it, in cents."""

    purpose: Purpose
    purpose_id: UUID
    due_cents: int


class PurposeDesk(Protocol):
    """Knows what waits for money."""

    async def find_expected(self, uow: UnitOfWork, reference: str) -> Expected | None:
        """Return what a reference names, if it waits for money now; answered by one indexed read."""
        ...


class WalletDesk(Protocol):
    """Knows the wallets that the platform's paybill is paid for."""

    async def find_wallet(self, uow: UnitOfWork, reference: str, amount_cents: int) -> UUID | None:
        """Return the business whose wallet a reference names, if the amount buys anything."""
        ...


@value
class Desk:
    """Both as a tool of the transaction."""

    purposes: PurposeDesk
    wallets: WalletDesk
