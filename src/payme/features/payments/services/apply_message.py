"""The one door through which news of a payment comes: answers, callbacks, queries, people.

The payment is locked, the rules decide, and everything that follows is written with it: evidence, receipt, books, the unclaimed
tray, audit and the event, which is published once because only a change of state publishes it.
"""

from typing import Any
from uuid import UUID

from payme.features import audit, ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.enums import Effect, PaymentStatus
from payme.features.payments.errors import PaymentNotFound
from payme.features.payments.events import PaymentChanged, PaymentFailed, PaymentSucceeded
from payme.features.payments.repository import payments as repository
from payme.features.payments.repository.payments import StoredPayment
from payme.features.payments.rules import (
    Decision,
    Message,
    PaymentState,
    Policy,
    applied_cents,
    next_state,
    receipt_taken,
)
from payme.features.payments.services.checks import MpesaRules, schedule_check
from payme.runtime.database import UnitOfWork

_CREDITS = frozenset(
    {Effect.SUCCEEDED, Effect.LATE_SUCCESS, Effect.AMOUNT_DIFFERS, Effect.RECEIPT_ADDED, Effect.SECOND_PAYMENT}
)


async def apply_message(
    uow: UnitOfWork,
    payment_id: UUID,
    message: Message,
    *,
    inbox_id: UUID | None = None,
    facts: dict[str, Any] | None = None,
) -> Decision:
    """Apply what somebody said about a payment; hearing it again changes nothing more.

    `facts` may hold `merchant_request_id` and `reason_text`. Locks the payment. Raises: PaymentNotFound.
    """
    payment = await repository.lock_payment(uow, payment_id)
    if payment is None:
        raise PaymentNotFound(payment_id=payment_id)
    rules = uow.tool(MpesaRules)
    disputed = await repository.lock_disputed(uow, payment_id)
    state = PaymentState(
        status=payment.status,
        amount_cents=payment.amount_cents,
        age=uow.now - (payment.sent_at or payment.created_at),
        receipt=payment.mpesa_receipt_number,
        checkout_request_id=payment.checkout_request_id,
        disputed_cents=disputed[1] if disputed else None,
    )
    decision = next_state(state, message, Policy(rules.verify_above_cents, rules.grace))
    decision = await _with_receipt(uow, payment, state, message, decision)
    await repository.insert_evidence(uow, payment, message, decision.effect, inbox_id)
    await _write(uow, payment, message, decision, facts or {})
    await _book(uow, payment, message, decision, disputed)
    _tell(uow, payment, message, decision)
    if decision.ask:
        schedule_check(uow, payment, soon=True)
    return decision


async def _with_receipt(
    uow: UnitOfWork, payment: StoredPayment, state: PaymentState, message: Message, decision: Decision
) -> Decision:
    if message.receipt is None or decision.effect not in _CREDITS:
        return decision
    ours = await repository.register_receipt(
        uow, message.receipt, shortcode=payment.shortcode or "", payment_id=payment.id
    )
    return decision if ours else receipt_taken(decision, state)


async def _write(
    uow: UnitOfWork, payment: StoredPayment, message: Message, decision: Decision, facts: dict[str, Any]
) -> None:
    keeps_receipt = decision.effect in {
        Effect.SUCCEEDED,
        Effect.LATE_SUCCESS,
        Effect.RECEIPT_ADDED,
        Effect.AMOUNT_DIFFERS,
    }
    changes = {
        "paid_cents": decision.paid_cents,
        "receipt": message.receipt if keeps_receipt else None,
        "checkout_request_id": message.checkout_request_id,
        "merchant_request_id": facts.get("merchant_request_id"),
        "reason_code": message.reason,
        "reason_text": facts.get("reason_text"),
        "late": decision.late,
    }
    if payment.status is PaymentStatus.SUCCEEDED and decision.effect is not Effect.RECEIPT_ADDED:
        return
    await repository.move(uow, payment, decision.status, changes)


async def _book(
    uow: UnitOfWork,
    payment: StoredPayment,
    message: Message,
    decision: Decision,
    disputed: tuple[UUID, int] | None,
) -> None:
    credited = decision.paid_cents is not None
    source = AccountCode.MPESA_UNCLAIMED if disputed else AccountCode.MPESA
    if credited and payment.payee == "business":
        applied = applied_cents(payment.amount_cents, decision.paid_cents)
        ledger.post(uow, [Posting("payment.received", AccountCode.PAYMENTS_HELD, source, applied, payment.id)])
    if credited and disputed:
        await repository.claim_unclaimed(uow, disputed[0])
    if decision.unclaimed_cents:
        reason = {Effect.AMOUNT_DIFFERS: "amount_differs", Effect.SECOND_PAYMENT: "no_match"}.get(
            decision.effect, "overpaid"
        )
        unclaimed_id = await repository.insert_unclaimed(
            uow,
            payment,
            amount_cents=decision.unclaimed_cents,
            reason=reason,
            source=message.source,
            receipt=message.receipt,
        )
        already_booked = credited and disputed is not None
        if payment.payee == "business" and not already_booked:
            ledger.post(
                uow,
                [
                    Posting(
                        "payment.unclaimed",
                        AccountCode.MPESA_UNCLAIMED,
                        AccountCode.MPESA,
                        decision.unclaimed_cents,
                        unclaimed_id,
                    )
                ],
            )
        uow.touch("unclaimed", unclaimed_id)


def _tell(uow: UnitOfWork, payment: StoredPayment, message: Message, decision: Decision) -> None:
    audit.record(
        uow, f"payment.{decision.effect}", payment.id, source=message.source, outcome=message.outcome, status=decision.status,
        result_code=message.result_code,
    )  # fmt: skip
    uow.touch("payments", payment.id)
    if decision.status is payment.status:
        return
    if decision.status is PaymentStatus.SUCCEEDED:
        uow.publish(
            PaymentSucceeded(
                subject_id=payment.id, payment_id=payment.id, purpose=payment.purpose, purpose_id=payment.purpose_id,
                applied_cents=applied_cents(payment.amount_cents, decision.paid_cents), late=decision.late,
            )
        )  # fmt: skip
    elif decision.status in {PaymentStatus.FAILED, PaymentStatus.EXPIRED}:
        uow.publish(
            PaymentFailed(
                subject_id=payment.id, payment_id=payment.id, purpose=payment.purpose, purpose_id=payment.purpose_id,
                reason_code=message.reason or message.result_code or "failed", expired=decision.status is PaymentStatus.EXPIRED,
            )
        )  # fmt: skip
    else:
        uow.publish(PaymentChanged(subject_id=payment.id, status=decision.status))
