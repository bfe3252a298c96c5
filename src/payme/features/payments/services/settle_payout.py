"""End a payout that M-Pesa no longer tells of, on the word of somebody else than its requester, who has seen what became of it.

Whatever M-Pesa says afterwards is heard all the same: money that left has left.
"""

from typing import Final
from uuid import UUID

from payme.features import approvals, audit
from payme.features.approvals import ApprovalKind
from payme.features.identity import Proven
from payme.features.payments.errors import (
    NoReceiptExpected,
    PayoutNotFound,
    PayoutNotInDoubt,
    PayoutStillAsked,
    ReceiptInvalid,
)
from payme.features.payments.repository import payouts as repository
from payme.features.payments.rules.payouts import ON_ITS_WAY, News, is_left_to_person
from payme.features.payments.schemas import PayoutView, SettlePayout
from payme.features.payments.services.conclude_payout import Heard, hear
from payme.features.payments.services.read_payouts import get_payout
from payme.integrations.daraja import is_receipt
from payme.runtime.database import UnitOfWork

SAID: Final = "said_by_person"


async def settle_payout(uow: UnitOfWork, payout_id: UUID, command: SettlePayout, *, proven: Proven) -> PayoutView:
    """Record what a second person says became of a payout, after the last question about it. Locks the payout.

    Raises: PayoutNotFound, PayoutNotInDoubt, PayoutStillAsked, ReceiptInvalid, NoReceiptExpected, ReceiptUsed,
    approvals.OwnRequest, approvals.MayNotApprove.
    """
    receipt = _receipt_in(command)
    payout = await repository.lock_payout(uow, payout_id)
    if payout is None:
        raise PayoutNotFound(payout_id=payout_id)
    if payout.state not in ON_ITS_WAY:
        raise PayoutNotInDoubt(state=payout.state)
    if not is_left_to_person(payout.state, payout.questions):
        raise PayoutStillAsked(questions=payout.questions)
    settled_by = await approvals.verify_decider(
        uow, proven, kind=ApprovalKind.PAYOUT, subject_id=payout_id, made_by=payout.requested_by
    )
    audit.record(
        uow, "payout.settled", payout_id, left=command.left, mpesa_receipt_number=receipt, note=command.note.strip(),
        settled_by=settled_by, amount_cents=payout.amount_cents,
    )  # fmt: skip
    await hear(uow, payout_id, Heard(News.PAID if command.left else News.DENIED, receipt=receipt, reason_code=SAID))
    return await get_payout(uow, payout_id)


def _receipt_in(command: SettlePayout) -> str | None:
    if command.mpesa_receipt_number is None:
        return None
    if not command.left:
        raise NoReceiptExpected
    receipt = command.mpesa_receipt_number.strip().upper()
    if not is_receipt(receipt):
        raise ReceiptInvalid
    return receipt
