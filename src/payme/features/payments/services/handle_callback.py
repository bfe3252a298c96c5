"""Understand a stored callback, once."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from payme.features.payments.enums import Outcome, Source
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.apply_message import Attached, apply_message
from payme.features.payments.services.checks import words_for
from payme.features.payments.services.handle_c2b import handle_c2b
from payme.features.payments.services.handle_result import handle_result
from payme.features.payments.services.register_c2b import C2B_KIND
from payme.features.payments.services.send_payout import RESULT_KIND
from payme.integrations.daraja import MalformedCallback, Standing, StkCallback, parse_stk_callback
from payme.runtime.database import UnitOfWork
from payme.runtime.events import handling

_OTHERS: Final = {C2B_KIND: handle_c2b, RESULT_KIND: handle_result}
_OUTCOME: Final = {
    Standing.PAID: Outcome.PAID,
    Standing.FAILED: Outcome.FAILED,
    Standing.PENDING: Outcome.PENDING,
    Standing.UNKNOWN: Outcome.UNKNOWN,
}


async def handle_callback(uow: UnitOfWork, inbox_id: UUID) -> None:
    """Apply a stored callback to its payment; garbage is marked malformed and kept for a person."""
    async with handling(uow, inbox_id) as item:
        if item is None:
            return
        if item.kind in _OTHERS:
            await _OTHERS[item.kind](uow, item)
            return
        try:
            callback = parse_stk_callback(item.body)
        except MalformedCallback as fault:
            item.malformed(fault.fault)
            return
        message = replace(message_of(callback), shortcode=item.headers.get("businessshortcode", "").strip() or None)
        attached = Attached(inbox_id, callback.merchant_request_id or None, words_for(message))
        await apply_message(uow, item.subject_id, message, attached=attached)


def message_of(callback: StkCallback) -> Message:
    """Return a callback as a message.

    Success without a readable amount or receipt is unknown: it must not be credited, and M-Pesa is asked.
    """
    outcome = _OUTCOME[callback.standing]
    if outcome is Outcome.PAID and not (callback.amount_cents and callback.mpesa_receipt_number):
        outcome = Outcome.UNKNOWN
    return Message(
        Source.CALLBACK,
        outcome,
        amount_cents=callback.amount_cents if outcome is Outcome.PAID else None,
        receipt=callback.mpesa_receipt_number if outcome is Outcome.PAID else None,
        checkout_request_id=callback.checkout_request_id,
        reason=callback.reason.value if callback.reason else None,
        result_code=callback.result_code,
    )
