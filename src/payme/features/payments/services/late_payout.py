"""A payout that M-Pesa had denied and that left all the same: where its money belongs by then.

Money that left is always recorded and booked. Where what it was for has been settled in another way meanwhile, it is booked as
overpaid: somebody has it who should not, and a person must get it back. One payment is reversed once, so two orders that sent
the same payment back are one movement of money.
"""

from enum import Enum, auto
from typing import Final
from uuid import UUID

from payme.features import audit, ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.errors import PayoutNotFound
from payme.features.payments.events import PayoutFailed
from payme.features.payments.repository import payouts as repository
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.repository.payouts import Moved, StoredPayout
from payme.features.payments.rules.payouts import PayoutState, way_out
from payme.runtime.database import UnitOfWork

UNCLAIMED: Final = "unclaimed"
RETURNED_ALREADY: Final = "returned_already"
_STILL_THERE: Final = frozenset({"unclaimed", "returning"})


class Place(Enum):
    """Where the money of a late return belongs: to its row, to nothing any more, or it is what another order moved."""

    ITS_ROW = auto()
    NOWHERE = auto()
    ANOTHERS = auto()


async def find_place(uow: UnitOfWork, payout: StoredPayout, *, receipt: str | None) -> Place:
    """Return where the money of a locked return belongs that was denied and left; who waits to send it back gives way.

    Locks the order that holds the row, then the row.
    """
    holder = await repository.lock_holder(uow, UNCLAIMED, payout.purpose_id)
    row = await tray.lock_unclaimed(uow, payout.purpose_id)
    assert row is not None, "a return has its row"
    # Whoever asked meanwhile had the row until now.
    holder = holder or await repository.lock_holder(uow, UNCLAIMED, payout.purpose_id)
    if holder is not None and holder.state is PayoutState.SUCCEEDED:
        if receipt is not None and holder.mpesa_receipt_number not in {None, receipt}:
            return Place.NOWHERE
        await _complete(uow, holder, receipt)
        return Place.ANOTHERS
    if row.state not in _STILL_THERE:
        return Place.NOWHERE
    if holder is not None:
        await _give_way(uow, holder)
    return Place.ITS_ROW


async def book_overpaid(uow: UnitOfWork, payout: StoredPayout) -> None:
    """Book money that left for nothing: out of the M-Pesa account, into what is to be got back."""
    await ledger.open_accounts(uow)
    ledger.post(
        uow, [Posting("payout.sent", AccountCode.MPESA, AccountCode.MPESA_OVERPAID, payout.amount_cents, payout.id)]
    )
    audit.record(
        uow, "payout.overpaid", payout.id, purpose=payout.purpose, purpose_id=payout.purpose_id,
        amount_cents=payout.amount_cents,
    )  # fmt: skip
    uow.touch("payouts", payout.id)


async def displace_payout(uow: UnitOfWork, payout_id: UUID) -> None:
    """Book a payout that left as overpaid, whose purpose cannot take it; again, it changes nothing. Locks it. Raises: PayoutNotFound."""
    payout = await repository.lock_payout(uow, payout_id)
    if payout is None:
        raise PayoutNotFound(payout_id=payout_id)
    assert payout.state is PayoutState.SUCCEEDED, "only money that left can be overpaid"
    if not payout.is_displaced:
        await repository.move_payout(uow, payout_id, Moved(payout.state, is_displaced=True))
        await book_overpaid(uow, payout)


async def _complete(uow: UnitOfWork, holder: StoredPayout, receipt: str | None) -> None:
    if receipt is not None and holder.mpesa_receipt_number is None:
        await repository.move_payout(uow, holder.id, Moved(holder.state, receipt=receipt))
        uow.touch("payouts", holder.id)


async def _give_way(uow: UnitOfWork, holder: StoredPayout) -> None:
    state = way_out(holder.state)
    await repository.move_payout(uow, holder.id, Moved(state, reason_code=RETURNED_ALREADY))
    audit.record(uow, f"payout.{state}", holder.id, amount_cents=holder.amount_cents, code=RETURNED_ALREADY)
    uow.touch("payouts", holder.id)
    uow.publish(
        PayoutFailed(
            subject_id=holder.id, purpose=holder.purpose, purpose_id=holder.purpose_id, reason_code=RETURNED_ALREADY
        )
    )
