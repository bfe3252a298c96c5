"""Ask a customer's phone for money. The prompt itself is sent by a job after the commit."""

from typing import Final
from uuid import UUID

from payme.features import audit
from payme.features.payments.enums import Assurance, PaymentStatus
from payme.features.payments.errors import AmountOutsideLimits, PhoneInvalid, WholeShillings
from payme.features.payments.repository import payments as repository
from payme.features.payments.repository.payments import NewPrompt
from payme.features.payments.rules.transitions import MPESA_LARGEST_CENTS, MPESA_SMALLEST_CENTS
from payme.features.payments.schemas import Payee, PaymentView, Purpose
from payme.features.payments.services.gateway import shortcode_of
from payme.kit.ids import new_id
from payme.kit.money import is_whole_shillings
from payme.kit.phone import masked, normalise_msisdn
from payme.runtime.database import UnitOfWork
from payme.runtime.security import FieldCipher

SEND_JOB: Final = "payments.send_stk_push"


async def request_stk(
    uow: UnitOfWork, *, purpose: Purpose, purpose_id: UUID, amount_cents: int, phone: str, payee: Payee
) -> PaymentView:
    """Create a payment and have its prompt sent after the commit; one open prompt per purpose.

    Raises: WholeShillings, AmountOutsideLimits, PhoneInvalid, MethodNotConfigured, PromptAlreadyOpen.
    """
    if not is_whole_shillings(amount_cents):
        raise WholeShillings(amount_cents=amount_cents)
    if not MPESA_SMALLEST_CENTS <= amount_cents <= MPESA_LARGEST_CENTS:
        raise AmountOutsideLimits(amount_cents=amount_cents)
    msisdn = normalise_msisdn(phone)
    if msisdn is None:
        raise PhoneInvalid
    payment_id = new_id()
    sealed = uow.tool(FieldCipher).encrypt(
        msisdn, table="payments", column="phone_encrypted", business_id=uow.tenant, row_id=payment_id
    )
    prompt = NewPrompt(
        payment_id, purpose, purpose_id, amount_cents, payee, await shortcode_of(uow, payee), sealed, masked(msisdn)
    )
    await repository.insert_prompt(uow, prompt)
    uow.enqueue(SEND_JOB, {"payment_id": str(payment_id)}, dedupe_key=f"{SEND_JOB}:{payment_id}")
    audit.record(uow, "payment.requested", payment_id, amount_cents=amount_cents, purpose=purpose)
    uow.touch("payments", payment_id)
    return PaymentView(
        id=payment_id, purpose=purpose, purpose_id=purpose_id, method="mpesa_stk", status=PaymentStatus.CREATED,
        assurance=Assurance.NONE, amount_cents=amount_cents, phone=masked(msisdn), created_at=uow.now,
    )  # fmt: skip
