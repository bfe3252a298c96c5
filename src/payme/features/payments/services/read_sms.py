"""Read an SMS that somebody pasted, so that the till can fill in a claim. Nothing is stored, and nothing is believed."""

from payme.features.payments.errors import SmsNotUnderstood
from payme.features.payments.repository import claims
from payme.features.payments.repository import evidence as evidence_repository
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.rules.claims import date_is_odd
from payme.features.payments.rules.pasted import Known, Traces, channel_of, known_as, masked_name
from payme.features.payments.schemas import PastedSmsView, PasteSms
from payme.integrations.daraja import SmsKind, parse_mpesa_sms, receipt_date
from payme.kit.time import business_day
from payme.runtime.database import UnitOfWork


async def read_pasted_sms(uow: UnitOfWork, command: PasteSms) -> PastedSmsView:
    """Return what an SMS claims and what is known of its code in this business; of other businesses only that it is used.

    Raises: SmsNotUnderstood.
    """
    sms = parse_mpesa_sms(command.text)
    if sms is None:
        raise SmsNotUnderstood
    row = await tray.find_receipt(uow, sms.receipt)
    payment_id, method = await claims.find_receipt_holder(uow, sms.receipt) or (None, None)
    is_registered = await evidence_repository.is_registered(uow, sms.receipt)
    known = known_as(Traces(row[1] if row else None, method, is_registered))
    is_of_payer = sms.kind == SmsKind.RECEIVED
    return PastedSmsView(
        mpesa_receipt_number=sms.receipt, amount_cents=sms.amount_cents, kind=sms.kind.value,
        channel=channel_of(sms.kind, sms.account_reference), paid_at=sms.at,
        payer_name=masked_name(sms.counterparty) if is_of_payer else "", payee_name="" if is_of_payer else sms.counterparty,
        account_reference=sms.account_reference, is_odd=date_is_odd(receipt_date(sms.receipt), business_day(uow.now)),
        known=known, unclaimed_id=row[0] if row and known == Known.IN_TRAY else None,
        payment_id=payment_id if known in {Known.CLAIMED, Known.APPLIED} else None,
    )  # fmt: skip
