"""Understand the result of an order or the answer to a question, stored as it came."""

from typing import Final

from payme.features.payments.enums import Source
from payme.features.payments.repository import payouts, questions
from payme.features.payments.repository.payouts import StoredPayout
from payme.features.payments.repository.questions import Question
from payme.features.payments.rules.payouts import News
from payme.features.payments.services.conclude_payout import Heard, hear
from payme.features.payments.services.match_prompt import shortcodes_with
from payme.features.payments.services.place_money import Arrival, place_money
from payme.features.payments.services.probe_method import hear_balance
from payme.integrations.daraja import (
    MalformedCallback,
    OperationResult,
    Product,
    Reason,
    Standing,
    StatusDetails,
    b2c_details,
    parse_result,
    reversal_details,
    status_details,
)
from payme.runtime.database import UnitOfWork
from payme.runtime.events import InboxItem

TIMEOUT_DOOR: Final = "timeout"
DOOR_HEADER: Final = "payme-door"
_PRODUCT_OF: Final = {"b2c": Product.B2C, "b2pochi": Product.B2C, "reversal": Product.REVERSAL}
_ENDED_BADLY: Final = frozenset({"cancelled", "declined", "expired", "failed", "reversed"})


async def handle_result(uow: UnitOfWork, item: InboxItem) -> None:
    """Apply a result; garbage is marked malformed and kept for a person, and so is what answers nothing."""
    payout = await payouts.lock_payout(uow, item.subject_id)
    try:
        if payout is not None:
            await _of_payout(uow, payout, item)
            return
        question = await questions.find_question(uow, item.subject_id)
        if question is None:
            if item.headers.get(DOOR_HEADER) == TIMEOUT_DOOR or not await hear_balance(uow, item):
                item.ignore("it answers nothing that was asked")
        elif item.headers.get(DOOR_HEADER) != TIMEOUT_DOOR:
            await _of_question(uow, question, parse_result(item.body, Product.STATUS))
    except MalformedCallback as fault:
        item.malformed(fault.fault)


async def _of_payout(uow: UnitOfWork, payout: StoredPayout, item: InboxItem) -> None:
    if item.headers.get(DOOR_HEADER) == TIMEOUT_DOOR:
        # M-Pesa did not get to it in time: no failure, a result may still come.
        await hear(uow, payout.id, Heard(News.DOUBT, reason_code="queue_timeout"))
        return
    result = parse_result(item.body, _PRODUCT_OF[payout.kind])
    if not _is_about(payout, result):
        item.ignore("it names another conversation")
        return
    news = {Standing.PAID: News.PAID, Standing.FAILED: News.DENIED}.get(result.standing, News.DOUBT)
    conversation_id = result.conversation_id or None
    heard = Heard(news, conversation_id, result.transaction_id, result.reason, result.result_code)
    if _amount_in(result) not in {None, payout.amount_cents}:
        # What was ordered did not leave as it was ordered; M-Pesa is asked what did.
        heard = Heard(News.DOUBT, conversation_id, reason_code="amount_differs")
    if payout.kind == "reversal" and result.reason is Reason.ALREADY_REVERSED:
        heard = Heard(News.DOUBT, conversation_id, reason_code=result.result_code)
    await hear(uow, payout.id, heard)


def _is_about(payout: StoredPayout, result: OperationResult) -> bool:
    known = {payout.originator_conversation_id, payout.conversation_id} - {None}
    told = {result.originator_conversation_id, result.conversation_id} - {""}
    # Before M-Pesa's own id is known, the secret of the address says enough.
    return bool(known & told) or payout.conversation_id is None


def _amount_in(result: OperationResult) -> int | None:
    if result.product is Product.REVERSAL:
        return reversal_details(result).amount_cents
    return b2c_details(result).amount_cents


def _is_sent_back(details: StatusDetails, receipt: str) -> bool:
    """Say whether M-Pesa says of a payment that it was reversed. The receipt of the reversal itself it does not tell.

    That it is completed says nothing: the reversal may still come. Source: no answer of production is documented.
    """
    return details.receipt == receipt and details.transaction_status.lower() == "reversed"


async def _of_question(uow: UnitOfWork, question: Question, result: OperationResult) -> None:
    await questions.end_question(uow, question.id, "answered", result_code=result.result_code)
    details = status_details(result)
    if question.subject_kind == "payout":
        payout = await payouts.lock_payout(uow, question.subject_id)
        if payout is None or not result.is_success or details.amount_cents not in {None, payout.amount_cents}:
            return
        if question.receipt is not None:
            if _is_sent_back(details, question.receipt):
                await hear(uow, payout.id, Heard(News.PAID, reason_code=result.result_code))
        elif details.is_completed:
            await hear(uow, payout.id, Heard(News.PAID, receipt=details.receipt, reason_code=result.result_code))
        elif details.transaction_status.lower() in _ENDED_BADLY:
            await hear(uow, payout.id, Heard(News.DENIED, reason_code=details.transaction_status.lower()))
        return
    if not (question.receipt and details.amount_cents and details.is_completed):
        return
    shortcodes = await shortcodes_with(uow, question.shortcode)
    if any(details.proves(question.receipt, amount_cents=details.amount_cents, shortcode=each) for each in shortcodes):
        await place_money(
            uow,
            Arrival(
                source=Source.STATUS, receipt=question.receipt, amount_cents=details.amount_cents, shortcode=question.shortcode,
                shortcodes=shortcodes, paid_at=details.finalised_at, payer_name=details.debit_party.name,
            ),
        )  # fmt: skip
