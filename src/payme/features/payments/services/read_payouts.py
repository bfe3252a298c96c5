"""Read payouts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from payme.features.payments.errors import PayoutDecided, PayoutNotFound
from payme.features.payments.repository import payouts as repository
from payme.features.payments.schemas import PayoutView
from payme.runtime.database import UnitOfWork


async def get_payout(uow: UnitOfWork, payout_id: UUID) -> PayoutView:
    """Return a payout. Raises: PayoutNotFound."""
    payout = await repository.find_payout(uow, payout_id)
    if payout is None:
        raise PayoutNotFound(payout_id=payout_id)
    return payout


async def list_payouts(
    uow: UnitOfWork, after: list[Any] | None, limit: int, *, state: str | None, left_to_person: bool = False
) -> list[PayoutView]:
    """Return payouts, newest first; `left_to_person`: only those that M-Pesa is not asked about again."""
    before = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
    return await repository.list_payouts(uow, limit=limit, before=before, state=state, left_to_person=left_to_person)


async def approval_of(uow: UnitOfWork, payout_id: UUID) -> UUID:
    """Return the request that a payout waits for, or waited for. Raises: PayoutNotFound, PayoutDecided where nobody is asked."""
    payout = await get_payout(uow, payout_id)
    if payout.approval_id is None:
        raise PayoutDecided(state=payout.state)
    return payout.approval_id
