"""SQL of questions to M-Pesa that are answered later."""

from uuid import UUID

from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class Question:
    """What M-Pesa is asked: about a receipt, or about a conversation. `subject_kind` says what the answer is for."""

    id: UUID
    subject_kind: str
    subject_id: UUID
    shortcode: str
    receipt: str | None
    conversation_id: str | None


async def insert_question(uow: UnitOfWork, question: Question) -> None:
    """Add a question that is about to be asked."""
    await uow.execute(
        """-- payments.insert_question
        insert into mpesa_questions (business_id, id, subject_kind, subject_id, shortcode, receipt, conversation_id, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)""",
        uow.tenant, question.id, question.subject_kind, question.subject_id, question.shortcode, question.receipt,
        question.conversation_id, uow.now,
    )  # fmt: skip


async def find_question(uow: UnitOfWork, question_id: UUID) -> Question | None:
    """Return a question, or None."""
    row = await uow.fetchrow(
        """-- payments.find_question
        select id, subject_kind, subject_id, shortcode, receipt, conversation_id from mpesa_questions
        where business_id = $1 and id = $2""",
        uow.tenant, question_id,
    )  # fmt: skip
    return Question(**row) if row else None


async def end_question(uow: UnitOfWork, question_id: UUID, state: str, *, result_code: str) -> None:
    """Record that a question was answered, or that M-Pesa did not take it."""
    await uow.execute(
        """-- payments.end_question
        update mpesa_questions set state = $3, result_code = $4, ended_at = $5 where business_id = $1 and id = $2 and ended_at is null""",
        uow.tenant, question_id, state, result_code, uow.now,
    )  # fmt: skip
