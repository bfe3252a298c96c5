"""Take a cashier's word for money, on the code of the customer's SMS.

A code that lies in the tray is confirmed at once. One that nobody has heard of is believed up to a limit, stands apart as money
to confirm, and stands on one payment of the business; evidence of it decides.
"""

from datetime import timedelta
from typing import Final

from payme.features import audit, ledger
from payme.features.businesses import get_business
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.enums import Assurance, Outcome, PaymentStatus, Settlement, Source
from payme.features.payments.errors import (
    AlreadyClaimed,
    ClaimLimit,
    MoneyInDispute,
    NotVerifiedYet,
    PromptMayOwnIt,
    ReceiptAmountDiffers,
    ReceiptInvalid,
    ReceiptUsed,
    WholeShillings,
)
from payme.features.payments.repository import claims, prompts
from payme.features.payments.repository import evidence as evidence_repository
from payme.features.payments.repository import payments as repository
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.repository.claims import NewMoney
from payme.features.payments.rules.claims import ASKABLE, Channel, Verdict, date_is_odd
from payme.features.payments.rules.transitions import Message
from payme.features.payments.schemas import PaymentView
from payme.features.payments.services.apply_message import apply_message
from payme.features.payments.services.claim_money import Destination, refuse_unless_free, take_for
from payme.features.payments.services.policies import ask_about_receipt
from payme.integrations.daraja import is_receipt, receipt_date
from payme.kit.ids import new_id
from payme.kit.money import is_whole_shillings
from payme.kit.time import business_day, day_bounds
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

_ASKED_AFTER: Final = (timedelta(seconds=30), timedelta(minutes=15))
"""The notice of the money mostly comes within seconds; where it does not, M-Pesa is asked twice, and Pull looks on."""


@value
class Word:
    """What a cashier says has been paid: the code of the customer's SMS, the amount in cents, and how it was paid."""

    receipt: str
    amount_cents: int
    channel: Channel


_NOT_THEIRS: Final = (
    WholeShillings, ReceiptInvalid, ReceiptUsed, ReceiptAmountDiffers, AlreadyClaimed, MoneyInDispute, NotVerifiedYet,
    PromptMayOwnIt,
)  # fmt: skip


async def claim_receipt(
    uow: UnitOfWork, word: Word, destination: Destination, *, odd: list[str] | None = None
) -> PaymentView:
    """Take a cashier's word for money: confirmed at once where the tray holds it, else to be confirmed. It is applied and held.

    Prompts of the same purpose of which nobody can ask are closed by it. With `odd`, the goods are gone: no limit stops it, a
    code that cannot be this money's is left out of it, and both are noted. Raises: WholeShillings, ReceiptInvalid, ReceiptUsed,
    ReceiptAmountDiffers, ClaimLimit, and what `claim_unclaimed` raises.
    """
    if odd is None:
        payment = await _claim(uow, word, destination, odd=None)
    else:
        try:
            async with uow.savepoint():
                payment = await _claim(uow, word, destination, odd=odd)
        except _NOT_THEIRS as refusal:
            odd.append(refusal.code)
            payment = await _declare(uow, word, destination)
    for prompt_id in await prompts.list_unasked(uow, destination.purpose, destination.purpose_id):
        message = Message(Source.PERSON, Outcome.FAILED, reason="claimed_elsewhere", result_code="claimed")
        await apply_message(uow, prompt_id, message)
    return payment.model_copy(update={"settlement": Settlement.APPLIED})


async def _claim(uow: UnitOfWork, word: Word, destination: Destination, *, odd: list[str] | None) -> PaymentView:
    if not is_whole_shillings(word.amount_cents):
        raise WholeShillings(amount_cents=word.amount_cents)
    if not is_receipt(word.receipt):
        raise ReceiptInvalid
    row = await tray.lock_receipt(uow, word.receipt)
    if row is None:
        return await _believe(uow, word, destination, odd=odd)
    if row.amount_cents != word.amount_cents:
        raise ReceiptAmountDiffers(amount_cents=row.amount_cents, claimed_cents=word.amount_cents)
    await refuse_unless_free(uow, row)
    payment = await take_for(uow, row, destination, source=Source.PERSON)
    applied = await repository.set_settlement(uow, payment.id, Settlement.APPLIED, expected="")
    assert applied, "it was made a moment ago"
    return payment


async def _declare(uow: UnitOfWork, word: Word, destination: Destination) -> PaymentView:
    """Take the word for money whose code is another's or none: it stands to be written off by somebody else, under no code."""
    return await _write(uow, word, destination, receipt=None)


async def _believe(uow: UnitOfWork, word: Word, destination: Destination, *, odd: list[str] | None) -> PaymentView:
    if await evidence_repository.is_registered(uow, word.receipt):
        raise ReceiptUsed(mpesa_receipt_number=word.receipt)
    try:
        await _refuse_above_limit(uow, word)
    except ClaimLimit as refusal:
        if odd is None:
            raise
        odd.append(refusal.code)
    return await _write(uow, word, destination, receipt=word.receipt)


async def _write(uow: UnitOfWork, word: Word, destination: Destination, *, receipt: str | None) -> PaymentView:
    can_be_asked = receipt is not None and word.channel in ASKABLE
    today = business_day(uow.now)
    payment = PaymentView(
        id=new_id(), purpose=destination.purpose, purpose_id=destination.purpose_id, method="mpesa_claim",
        status=PaymentStatus.SUCCEEDED, assurance=Assurance.CLAIMED if can_be_asked else Assurance.DECLARED,
        amount_cents=word.amount_cents, paid_cents=word.amount_cents, mpesa_receipt_number=receipt,
        channel=word.channel, verdict=_verdict(receipt, can_be_asked=can_be_asked),
        is_odd=date_is_odd(receipt_date(word.receipt) if receipt else None, today), created_at=uow.now, ended_at=uow.now,
    )  # fmt: skip
    new = NewMoney(
        payment.id, payment.purpose, payment.purpose_id, payment.method, payment.amount_cents,
        Assurance(payment.assurance), Settlement.APPLIED, None, receipt, "", word.channel, payment.verdict,
        payment.is_odd,
    )  # fmt: skip
    await claims.insert_money(uow, new)
    held = Posting(
        "payment.held", AccountCode.PAYMENTS_HELD, AccountCode.MPESA_TO_CONFIRM, word.amount_cents, payment.id
    )
    ledger.post(uow, [held])
    if can_be_asked:
        for after in _ASKED_AFTER:
            ask_about_receipt(uow, "claim", payment.id, after=after)
    audit.record(uow, "payment.claimed", payment.id, amount_cents=word.amount_cents, channel=word.channel)
    uow.touch("payments", payment.id)
    return payment


def _verdict(receipt: str | None, *, can_be_asked: bool) -> Verdict:
    if receipt is None:
        return Verdict.ALREADY_USED
    return Verdict.WAITING if can_be_asked else Verdict.DECLARED


async def _refuse_above_limit(uow: UnitOfWork, word: Word) -> None:
    business = await get_business(uow)
    since, _ = day_bounds(business_day(uow.now, business.day_starts_at), business.day_starts_at)
    taken_cents = await claims.claimed_since(uow, by=uow.actor.id, since=since)
    if taken_cents + word.amount_cents > business.claim_limit_cents:
        raise ClaimLimit(limit_cents=business.claim_limit_cents, taken_cents=taken_cents)
