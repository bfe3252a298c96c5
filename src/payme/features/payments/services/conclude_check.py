"""Record the answer to a question, and schedule the next one while the payment is in doubt."""

from uuid import UUID

from payme.features.payments.repository import payments as repository
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.apply_message import Attached, apply_message
from payme.features.payments.services.checks import schedule_check, words_for
from payme.runtime.database import UnitOfWork


async def conclude_check(uow: UnitOfWork, payment_id: UUID, message: Message) -> None:
    """Count the question and apply what M-Pesa answered. Locks the payment. Raises: PaymentNotFound."""
    await repository.count_check(uow, payment_id)
    decision = await apply_message(uow, payment_id, message, attached=Attached(reason_text=words_for(message)))
    payment = await repository.lock_payment(uow, payment_id)
    if payment is not None and payment.is_in_doubt and not decision.ask:
        schedule_check(uow, payment)
