"""The ports through which payments learns what a reference that a customer typed is for; features above answer them."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from payme.features.payments.schemas import Purpose
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class Expected:
    """Something that waits for money: what, and how much of it, in cents; None takes any amount."""

    purpose: Purpose
    purpose_id: UUID
    due_cents: int | None

    def takes(self, amount_cents: int) -> bool:
        """Say whether an amount is applied without a person."""
        return self.due_cents is None or self.due_cents == amount_cents


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
    """All of them as a tool of the transaction; purposes are asked in their order."""

    purposes: Sequence[PurposeDesk]
    wallets: WalletDesk

    async def find_expected(self, uow: UnitOfWork, reference: str) -> Expected | None:
        """Return what a reference names, if it waits for money now."""
        for each in self.purposes:
            found = await each.find_expected(uow, reference)
            if found is not None:
                return found
        return None
