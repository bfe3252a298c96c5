"""Understand a stored notice of money that came by itself, and answer whether such money is welcome."""

from payme.features import audit
from payme.features.businesses import PLATFORM_BUSINESS_ID
from payme.features.payments.enums import Source
from payme.features.payments.repository import registrations
from payme.features.payments.services.place_money import Arrival, place_money
from payme.features.payments.services.platform_money import hand_over
from payme.features.payments.services.watch_balance import watch_balance
from payme.integrations.daraja import C2bPayment, MalformedCallback, parse_c2b
from payme.runtime.database import UnitOfWork
from payme.runtime.events import InboxItem


async def handle_c2b(uow: UnitOfWork, item: InboxItem) -> None:
    """Place the money that a notice tells of; one of another short code than its secret was made for changes nothing."""
    try:
        notice = parse_c2b(item.body)
    except MalformedCallback as fault:
        item.malformed(fault.fault)
        return
    registration = await registrations.find_registration(uow, item.subject_id)
    assert registration is not None, "a secret leads to a registration"
    if notice.shortcode not in registration.shortcodes:
        item.ignore("it tells of another short code")
        audit.record(uow, "payment.wrong_shortcode", item.subject_id, amount_cents=notice.amount_cents)
        return
    arrival = arrival_of(notice, registration.shortcodes)
    if uow.tenant == PLATFORM_BUSINESS_ID:
        if (refusal := await hand_over(uow, arrival, inbox_id=item.id)) is not None:
            item.ignore(refusal)
        return
    await place_money(uow, arrival, inbox_id=item.id)
    await watch_balance(uow, arrival, registration.kind)


def arrival_of(notice: C2bPayment, shortcodes: list[str]) -> Arrival:
    """Return a notice as money."""
    return Arrival(
        source=Source.C2B, receipt=notice.receipt, amount_cents=notice.amount_cents, shortcode=notice.shortcode,
        shortcodes=shortcodes, paid_at=notice.paid_at, payer_name=notice.payer_name, payer_number=notice.msisdn or "",
        bill_reference=notice.bill_reference, balance_cents=notice.org_balance_cents,
    )  # fmt: skip
