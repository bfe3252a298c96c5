"""Record the answer to a question, and schedule the next one while the payment is in doubt.

An answer names no receipt. Where a notice of the same money came before it and lies in the tray, that gives the receipt.
"""

from typing import Final
from uuid import UUID

from payme.features.payments.enums import Effect, Outcome, Source
from payme.features.payments.repository import payments as repository
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.apply_message import Attached, apply_message
from payme.features.payments.services.checks import schedule_check, words_for
from payme.features.payments.services.match_prompt import find_in_tray
from payme.runtime.database import UnitOfWork

_CREDITED: Final = frozenset({Effect.SUCCEEDED, Effect.LATE_SUCCESS})


async def conclude_check(uow: UnitOfWork, payment_id: UUID, message: Message) -> None:
    """Count the question and apply what M-Pesa answered. Locks the payment. Raises: PaymentNotFound."""
    await repository.count_check(uow, payment_id)
    decision = await apply_message(uow, payment_id, message, attached=Attached(reason_text=words_for(message)))
    payment = await repository.lock_payment(uow, payment_id)
    if payment is not None and payment.is_in_doubt and not decision.ask:
        schedule_check(uow, payment)
    if payment is None or payment.mpesa_receipt_number or decision.effect not in _CREDITED:
        return
    row = await find_in_tray(uow, payment)
    if row is not None:
        told = Message(Source.C2B, Outcome.PAID, amount_cents=row.amount_cents, receipt=row.mpesa_receipt_number)
        await apply_message(uow, payment_id, told)
