"""Ask M-Pesa what became of a transaction; the answer comes to an address of the question's own."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from payme.features.payments.errors import MethodNotConfigured, OperatorMissing, PayoutNotFound
from payme.features.payments.repository import claims, methods, payouts, questions
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.repository.questions import Question
from payme.features.payments.rules.claims import Verdict
from payme.features.payments.rules.payouts import ON_ITS_WAY, asks_original
from payme.features.payments.services.checks import take_turn, turns_later
from payme.features.payments.services.conclude_payout import ASK_JOB, schedule_question
from payme.features.payments.services.gateway import DarajaAccess
from payme.features.payments.services.operators import Operator, operator_of
from payme.features.payments.services.policies import RECEIPT_JOB
from payme.features.payments.services.send_payout import RESULT_KIND, result_urls
from payme.integrations.daraja import StatusQuery
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.events import open_route

OF_CLAIM: Final = "claim"


@dataclass(frozen=True, slots=True)
class StatusErrand:
    """Everything that asking needs."""

    question: Question
    operator: Operator
    token: str


async def begin_asking_about_payout(uow: UnitOfWork, payout_id: UUID) -> StatusErrand | None:
    """Return what to ask about a payout that is on its way, and have the next question scheduled; None when nothing is in doubt."""
    payout = await payouts.lock_payout(uow, payout_id)
    if payout is None:
        raise PayoutNotFound(payout_id=payout_id)
    if payout.state not in ON_ITS_WAY:
        return None
    if await _is_anothers_turn(uow, payout.shortcode):
        uow.enqueue(ASK_JOB, {"payout_id": str(payout_id)}, execute_after=turns_later(uow))
        return None
    await payouts.count_question(uow, payout_id)
    counted = await payouts.lock_payout(uow, payout_id)
    assert counted is not None, "it is locked"
    schedule_question(uow, counted)
    if asks_original(payout.kind, payout.conversation_id, questions=payout.questions):
        return await _begin(
            uow, Question(new_id(), "payout", payout_id, payout.shortcode, payout.original_receipt, None)
        )
    conversation_id = payout.conversation_id or payout.originator_conversation_id
    return await _begin(uow, Question(new_id(), "payout", payout_id, payout.shortcode, None, conversation_id))


async def begin_asking_about_receipt(uow: UnitOfWork, kind: str, subject_id: UUID) -> StatusErrand | None:
    """Return what to ask about the receipt of a claim or of money in the tray; None where it is proved, or nobody may ask."""
    found = await (_claimed(uow, subject_id) if kind == OF_CLAIM else _lying(uow, subject_id))
    if found is None:
        return None
    shortcode, receipt = found
    if await _is_anothers_turn(uow, shortcode):
        document = {"kind": kind, "subject_id": str(subject_id)}
        uow.enqueue(RECEIPT_JOB, document, execute_after=turns_later(uow))
        return None
    return await _begin(uow, Question(new_id(), kind, subject_id, shortcode, receipt, None))


async def ask(access: DarajaAccess, database: Database, errand: StatusErrand) -> None:
    """Ask. Raises: DarajaUnavailable, DarajaRefused, DarajaUnknown; after the last an answer may come all the same."""
    question = errand.question
    await access.client(database, errand.operator.collector).transaction_status(
        StatusQuery(
            errand.operator.account, result_urls(access, errand.token), receipt=question.receipt,
            original_conversation_id=question.conversation_id,
        )
    )  # fmt: skip


async def record_not_asked(uow: UnitOfWork, question_id: UUID, code: str) -> None:
    """Record that M-Pesa did not take a question."""
    await questions.end_question(uow, question_id, "unanswered", result_code=code)


async def _is_anothers_turn(uow: UnitOfWork, shortcode: str) -> bool:
    """Say whether the short code's app must wait with its question; where nobody may ask, there is nothing to wait for."""
    try:
        operator = await operator_of(uow, shortcode)
    except (OperatorMissing, MethodNotConfigured):
        return False
    return not await take_turn(uow, operator.collector.app.app_id, "transactionstatus")


async def _begin(uow: UnitOfWork, question: Question) -> StatusErrand | None:
    try:
        operator = await operator_of(uow, question.shortcode)
    except (OperatorMissing, MethodNotConfigured):
        return None
    await questions.insert_question(uow, question)
    token = await open_route(uow, kind=RESULT_KIND, subject_id=question.id)
    return StatusErrand(question, operator, token)


async def _claimed(uow: UnitOfWork, payment_id: UUID) -> tuple[str, str] | None:
    claim = await claims.lock_claim(uow, payment_id)
    if claim is None or claim.verdict != Verdict.WAITING:
        return None
    method = await methods.lock_method(uow, claim.channel)
    return (method.shortcode, claim.mpesa_receipt_number) if method and method.shortcode else None


async def _lying(uow: UnitOfWork, unclaimed_id: UUID) -> tuple[str, str] | None:
    row = await tray.lock_unclaimed(uow, unclaimed_id)
    if row is None or row.is_verified or row.state != "unclaimed" or row.mpesa_receipt_number is None:
        return None
    return row.shortcode, row.mpesa_receipt_number
