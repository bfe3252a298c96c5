"""Send a prompt: mark it sending and commit, speak to M-Pesa with no transaction open, record what came back.

A prompt is sent at most once. Whoever finds it in `sending` again finds a process that died in between: the outcome is then
unknown, and nothing is sent a second time.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from payme.features.businesses import get_business
from payme.features.payments.enums import Outcome, PaymentStatus, Source
from payme.features.payments.errors import MethodNotConfigured, PaymentNotFound
from payme.features.payments.repository import payments as repository
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.apply_message import Attached, apply_message
from payme.features.payments.services.checks import schedule_check, words_for
from payme.features.payments.services.gateway import Collector, DarajaAccess, collector_of
from payme.integrations.daraja import (
    DarajaRefused,
    DarajaUnavailable,
    DarajaUnknown,
    Reason,
    ShortcodeKind,
    StkAccepted,
    StkPush,
    description_from,
)
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.events import open_route
from payme.runtime.security import FieldCipher

CALLBACK_KIND: Final = "stk"
_CODE_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: none that a person takes for another."""
_CODE_LENGTH: Final = 6
_PREFIX_LENGTH: Final = 5


@dataclass(frozen=True, slots=True)
class Errand:
    """Everything a push needs, so that no transaction is open while it runs."""

    payment_id: UUID
    collector: Collector
    msisdn: str
    amount_cents: int
    token: str
    account_reference: str
    description: str


async def begin_sending(uow: UnitOfWork, payment_id: UUID) -> Errand | None:
    """Mark a payment as sending and return what to send; None when it must not be sent (again).

    A shop that is not set up for prompts any more sends none: the payment has failed. Locks the payment. Raises: PaymentNotFound.
    """
    payment = await repository.lock_payment(uow, payment_id)
    if payment is None:
        raise PaymentNotFound(payment_id=payment_id)
    if payment.status is PaymentStatus.SENDING:
        await apply_message(uow, payment_id, Message(Source.ACCEPTANCE, Outcome.UNKNOWN, result_code="interrupted"))
    if payment.status is not PaymentStatus.CREATED:
        return None
    try:
        collector = await collector_of(uow, payment.payee)
    except MethodNotConfigured as refusal:
        message = Message(Source.ACCEPTANCE, Outcome.REFUSED, reason=Reason.CONFIG, result_code=refusal.code)
        await apply_message(uow, payment_id, message, attached=Attached(reason_text=words_for(message)))
        return None
    assert payment.phone_encrypted is not None, "a prompt has a phone"
    msisdn = uow.tool(FieldCipher).decrypt(
        payment.phone_encrypted, table="payments", column="phone_encrypted", business_id=uow.tenant, row_id=payment_id
    )
    token = await open_route(uow, kind=CALLBACK_KIND, subject_id=payment_id)
    own = own_reference(collector, payment_id) if payment.payee == "business" else None
    await repository.mark_sending(uow, payment_id, shortcode=collector.account.shortcode, account_reference=own)
    uow.touch("payments", payment_id)
    shown = own or collector.account_reference
    return Errand(payment_id, collector, msisdn, payment.amount_cents, token, shown, (await get_business(uow)).name)


def own_reference(collector: Collector, payment_id: UUID) -> str | None:
    """Return an account that is this payment's alone, such as DUKA-7K3F9Q: a notice of its money repeats it. A till has none."""
    if collector.account.kind is not ShortcodeKind.PAYBILL:
        return None
    code, rest = "", payment_id.int
    for _ in range(_CODE_LENGTH):
        rest, digit = divmod(rest, len(_CODE_LETTERS))
        code += _CODE_LETTERS[digit]
    return f"{collector.account_reference[:_PREFIX_LENGTH].rstrip('-').upper()}-{code}"


async def push(access: DarajaAccess, database: Database, errand: Errand) -> StkAccepted:
    """Send the prompt, once. Raises: DarajaUnavailable, DarajaRefused, DarajaUnknown."""
    client = access.client(database, errand.collector)
    return await client.stk_push(
        StkPush(
            account=errand.collector.account,
            msisdn=errand.msisdn,
            amount_cents=errand.amount_cents,
            callback_url=access.callback_url(errand.token, CALLBACK_KIND),
            account_reference=errand.account_reference,
            description=description_from(errand.description),
        )
    )


async def record_acceptance(uow: UnitOfWork, payment_id: UUID, accepted: StkAccepted) -> None:
    """Record that M-Pesa took the request, and schedule the first question about it."""
    message = Message(Source.ACCEPTANCE, Outcome.ACCEPTED, checkout_request_id=accepted.checkout_request_id)
    await apply_message(uow, payment_id, message, attached=Attached(merchant_request_id=accepted.merchant_request_id))
    await _schedule(uow, payment_id)


async def record_refusal(uow: UnitOfWork, payment_id: UUID, refusal: DarajaRefused) -> None:
    """Record that M-Pesa said no; the customer's phone did not ring."""
    message = Message(Source.ACCEPTANCE, Outcome.REFUSED, reason=refusal.reason.value, result_code=refusal.error_code)
    await apply_message(uow, payment_id, message, attached=Attached(reason_text=words_for(message)))


async def record_doubt(uow: UnitOfWork, payment_id: UUID, doubt: DarajaUnknown) -> None:
    """Record that nobody knows whether the phone rang; nothing is sent again."""
    await apply_message(uow, payment_id, Message(Source.ACCEPTANCE, Outcome.UNKNOWN, result_code=doubt.code))
    await _schedule(uow, payment_id)


async def record_not_sent(uow: UnitOfWork, payment_id: UUID, fault: DarajaUnavailable, *, give_up: bool) -> None:
    """Record that nothing left this machine: the push may be tried again, or is given up."""
    if give_up:
        message = Message(Source.ACCEPTANCE, Outcome.REFUSED, reason=Reason.BUSY, result_code=fault.code)
        await apply_message(uow, payment_id, message, attached=Attached(reason_text=words_for(message)))
        return
    payment = await repository.lock_payment(uow, payment_id)
    if payment is not None and payment.status is PaymentStatus.SENDING:
        await repository.mark_unsent(uow, payment_id)


async def _schedule(uow: UnitOfWork, payment_id: UUID) -> None:
    payment = await repository.lock_payment(uow, payment_id)
    if payment is not None and payment.checkout_request_id is not None:
        schedule_check(uow, payment)
