"""The one door through which news of a payout comes: M-Pesa's answer, its result, the answer to a question, a person.

The payout is locked, the rules decide, and what follows is written with it: the receipt, the books, the tray, audit and the event,
which is published once because only a change of state publishes it.
"""

from dataclasses import replace
from typing import Final
from uuid import UUID

from payme.features import audit, ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.errors import PayoutNotFound
from payme.features.payments.events import PayoutChanged, PayoutFailed, PayoutSucceeded
from payme.features.payments.repository import payouts as repository
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.repository.payouts import Moved, StoredPayout
from payme.features.payments.rules.payouts import ASK_AFTER, ON_ITS_WAY, News, PayoutState, next_state
from payme.features.payments.services.late_payout import UNCLAIMED, Place, book_overpaid, find_place
from payme.integrations.daraja import Reason, advice_for
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

ASK_JOB: Final = "payments.ask_about_payout"


@value
class Heard:
    """What was heard of a payout. The receipt is that of the money that left."""

    news: News
    conversation_id: str | None = None
    receipt: str | None = None
    reason: Reason | None = None
    reason_code: str = ""


async def hear(uow: UnitOfWork, payout_id: UUID, heard: Heard) -> PayoutState:
    """Apply what was heard of a payout; hearing it again changes nothing more. Locks the payout. Raises: PayoutNotFound."""
    payout = await repository.lock_payout(uow, payout_id)
    if payout is None:
        raise PayoutNotFound(payout_id=payout_id)
    state = next_state(payout.state, heard.news)
    has_moved = state is not payout.state
    if not has_moved and not _adds(payout, heard):
        return state
    is_displaced = False
    if state is PayoutState.SUCCEEDED and payout.state is PayoutState.FAILED and payout.purpose == UNCLAIMED:
        place = await find_place(uow, payout, receipt=heard.receipt)
        if place is Place.ANOTHERS:
            return payout.state
        is_displaced = place is Place.NOWHERE
    moved = Moved(state, heard.conversation_id, heard.receipt, is_displaced=is_displaced)
    if state is PayoutState.FAILED and has_moved:
        text = advice_for(heard.reason).en if heard.reason else None
        code = heard.reason.value if heard.reason else heard.reason_code
        moved = Moved(state, heard.conversation_id, reason_code=code, reason_text=text)
    await repository.move_payout(uow, payout_id, moved)
    uow.touch("payouts", payout_id)
    if has_moved:
        audit.record(
            uow, f"payout.{state}", payout_id, news=heard.news, amount_cents=payout.amount_cents, code=heard.reason_code
        )  # fmt: skip
        await _follow(uow, replace(payout, is_displaced=is_displaced), state, heard=heard)
    return state


def schedule_question(uow: UnitOfWork, payout: StoredPayout) -> None:
    """Have M-Pesa asked about a payout whose result may never come, at its next place of the schedule; nothing after the last."""
    if payout.questions < len(ASK_AFTER):
        uow.enqueue(
            ASK_JOB, {"payout_id": str(payout.id)}, execute_after=ASK_AFTER[payout.questions],
            dedupe_key=f"{ASK_JOB}:{payout.id}:{payout.questions}",
        )  # fmt: skip


def _adds(payout: StoredPayout, heard: Heard) -> bool:
    has_id = heard.conversation_id is not None and payout.conversation_id is None
    has_receipt = heard.receipt is not None and payout.mpesa_receipt_number is None
    return has_id or (has_receipt and payout.state is PayoutState.SUCCEEDED)


async def _follow(uow: UnitOfWork, payout: StoredPayout, state: PayoutState, *, heard: Heard) -> None:
    if state is PayoutState.SUCCEEDED:
        await _succeed(uow, payout, heard.receipt)
    elif state is PayoutState.FAILED:
        await _free(uow, payout)
        uow.publish(
            PayoutFailed(
                subject_id=payout.id, purpose=payout.purpose, purpose_id=payout.purpose_id,
                reason_code=heard.reason.value if heard.reason else heard.reason_code or "failed",
            )
        )  # fmt: skip
    else:
        uow.publish(PayoutChanged(subject_id=payout.id, state=state))
        if state in ON_ITS_WAY:
            schedule_question(uow, payout)


async def _succeed(uow: UnitOfWork, payout: StoredPayout, receipt: str | None) -> None:
    if payout.is_displaced:
        await book_overpaid(uow, payout)
    elif payout.purpose == UNCLAIMED:
        await tray.set_state(uow, payout.purpose_id, "returned")
        uow.touch("unclaimed", payout.purpose_id)
        await _book(uow, payout, AccountCode.MPESA_UNCLAIMED)
    elif payout.purpose == "other":
        await _book(uow, payout, AccountCode.MPESA_PAID_OUT)
    # A refund is booked by the sale that it is a part of.
    uow.publish(
        PayoutSucceeded(
            subject_id=payout.id, purpose=payout.purpose, purpose_id=payout.purpose_id, amount_cents=payout.amount_cents,
            mpesa_receipt_number=receipt,
        )
    )  # fmt: skip


async def _book(uow: UnitOfWork, payout: StoredPayout, target: AccountCode) -> None:
    await ledger.open_accounts(uow)
    ledger.post(uow, [Posting("payout.sent", AccountCode.MPESA, target, payout.amount_cents, payout.id)])


async def _free(uow: UnitOfWork, payout: StoredPayout) -> None:
    if payout.purpose == UNCLAIMED:
        await tray.set_state(uow, payout.purpose_id, "unclaimed")
        uow.touch("unclaimed", payout.purpose_id)
