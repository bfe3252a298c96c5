"""Give money that came by itself its place: a cashier's claim, a prompt, what its reference names, or the tray. Each receipt once."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from payme.features import audit, ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.enums import NOTICES, Effect, Outcome, Source
from payme.features.payments.events import PaymentSucceeded
from payme.features.payments.repository import claims
from payme.features.payments.repository import evidence as evidence_repository
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.repository.evidence import About, Holder
from payme.features.payments.repository.unclaimed import NewUnclaimed
from payme.features.payments.rules.numbers import hidden
from payme.features.payments.rules.transitions import Message, ReceiptOwner
from payme.features.payments.services.apply_message import Attached, apply_message
from payme.features.payments.services.claim_money import Destination, take_for
from payme.features.payments.services.match_prompt import Trace, match_prompt
from payme.features.payments.services.policies import ask_about_receipt, verify_above_cents
from payme.features.payments.services.purposes import Desk
from payme.features.payments.services.verify_claim import verify_claim
from payme.kit.ids import new_id
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

_MADE_BY_CLAIM: Final = "mpesa_c2b"


@value
class Arrival:
    """Money that Safaricom says has come, in cents. The payer's number stands as it was told, and is kept masked; `shortcodes` are all of the account's."""

    source: Source
    receipt: str
    amount_cents: int
    shortcode: str
    shortcodes: list[str]
    paid_at: datetime | None = None
    payer_name: str = ""
    payer_number: str = ""
    bill_reference: str = ""
    balance_cents: int | None = None

    @property
    def message(self) -> Message:
        """The same, as a message about a payment."""
        return Message(
            self.source, Outcome.PAID, amount_cents=self.amount_cents, receipt=self.receipt, shortcode=self.shortcode,
            result_code="0", balance_cents=self.balance_cents, paid_at=self.paid_at if self.balance_cents is not None else None,
        )  # fmt: skip


async def place_money(uow: UnitOfWork, arrival: Arrival, *, inbox_id: UUID | None = None) -> Effect:
    """Place money that came, and return what was made of the news; hearing it again changes nothing more."""
    held = await claims.find_receipt_holder(uow, arrival.receipt)
    if held is not None:
        return await _tell_holder(uow, *held, arrival=arrival, inbox_id=inbox_id)
    trace = Trace(
        arrival.amount_cents,
        arrival.shortcodes,
        arrival.payer_number,
        arrival.bill_reference,
        arrival.paid_at or uow.now,
        arrival.source,
        arrival.source not in NOTICES,
    )
    prompt_id = await match_prompt(uow, trace)
    if prompt_id is not None:
        attached = Attached(inbox_id)
        return (await apply_message(uow, prompt_id, arrival.message, attached=attached)).effect
    return await _put_in_tray(uow, arrival, inbox_id)


async def _tell_holder(
    uow: UnitOfWork, payment_id: UUID, method: str, *, arrival: Arrival, inbox_id: UUID | None
) -> Effect:
    if method == "mpesa_claim":
        return await verify_claim(uow, payment_id, arrival.message, shortcode=arrival.shortcode, inbox_id=inbox_id)
    if method == _MADE_BY_CLAIM:
        about = About(arrival.shortcode, payment_id=payment_id)
        return await _note(uow, about, arrival, effect=Effect.DUPLICATE, inbox_id=inbox_id)
    attached = Attached(inbox_id)
    return (await apply_message(uow, payment_id, arrival.message, attached=attached)).effect


async def _put_in_tray(uow: UnitOfWork, arrival: Arrival, inbox_id: UUID | None) -> Effect:
    unclaimed_id = new_id()
    holder = Holder("unclaimed", unclaimed_id, arrival.shortcode)
    owner = await evidence_repository.register_receipt(uow, arrival.receipt, holder)
    if owner is not ReceiptOwner.NEW:
        return await _hear_again(uow, arrival, owner=owner, inbox_id=inbox_id)
    new = NewUnclaimed(
        arrival.amount_cents, "no_match", arrival.source, arrival.shortcode, arrival.receipt, None, arrival.payer_name,
        hidden(arrival.payer_number), arrival.bill_reference, arrival.paid_at, arrival.source not in NOTICES,
    )  # fmt: skip
    await tray.insert_unclaimed(uow, new, unclaimed_id=unclaimed_id)
    await _note(
        uow, About(arrival.shortcode, unclaimed_id=unclaimed_id), arrival, effect=Effect.UNCLAIMED, inbox_id=inbox_id
    )
    posting = Posting(
        "payment.unclaimed", AccountCode.MPESA_UNCLAIMED, AccountCode.MPESA, arrival.amount_cents, unclaimed_id
    )
    ledger.post(uow, [posting])
    audit.record(uow, "payment.unclaimed", unclaimed_id, amount_cents=arrival.amount_cents, source=arrival.source)
    uow.touch("unclaimed", unclaimed_id)
    if arrival.source in NOTICES and arrival.amount_cents > await verify_above_cents(uow):
        ask_about_receipt(uow, "unclaimed", unclaimed_id, after=timedelta())
    await _give_to_what_it_names(uow, unclaimed_id, arrival)
    return Effect.UNCLAIMED


async def _hear_again(uow: UnitOfWork, arrival: Arrival, *, owner: ReceiptOwner, inbox_id: UUID | None) -> Effect:
    """Hear of a receipt that somebody took between our look and our hand."""
    held = await claims.find_receipt_holder(uow, arrival.receipt)
    if held is not None:
        return await _tell_holder(uow, *held, arrival=arrival, inbox_id=inbox_id)
    if owner is not ReceiptOwner.IN_TRAY:
        # Another business holds it: one of two secrets was misused, or Safaricom told both.
        audit.record(uow, "payment.receipt_taken", uow.tenant, source=arrival.source, amount_cents=arrival.amount_cents)
        return await _note(uow, About(arrival.shortcode), arrival, effect=Effect.RECEIPT_TAKEN, inbox_id=inbox_id)
    row = await tray.lock_receipt(uow, arrival.receipt)
    assert row is not None, "the receipt is registered to a row of the tray"
    if arrival.source not in NOTICES and row.amount_cents == arrival.amount_cents:
        await tray.mark_verified(uow, row.id)
        uow.touch("unclaimed", row.id)
    return await _note(
        uow, About(arrival.shortcode, unclaimed_id=row.id), arrival, effect=Effect.DUPLICATE, inbox_id=inbox_id
    )


async def _give_to_what_it_names(uow: UnitOfWork, unclaimed_id: UUID, arrival: Arrival) -> None:
    """Apply the money to what its reference names, where that takes this amount and the notice may be believed."""
    limit_cents = await verify_above_cents(uow)
    if not arrival.bill_reference or (arrival.source in NOTICES and arrival.amount_cents > limit_cents):
        return
    expected = await uow.tool(Desk).find_expected(uow, arrival.bill_reference)
    if expected is None or not expected.takes(arrival.amount_cents):
        return
    row = await tray.lock_unclaimed(uow, unclaimed_id)
    assert row is not None, "it was put there a moment ago"
    payment = await take_for(uow, row, Destination(expected.purpose, expected.purpose_id), source=arrival.source)
    uow.publish(
        PaymentSucceeded(
            subject_id=payment.id, payment_id=payment.id, purpose=payment.purpose, purpose_id=payment.purpose_id,
            applied_cents=payment.amount_cents,
        )
    )  # fmt: skip


async def _note(uow: UnitOfWork, about: About, arrival: Arrival, *, effect: Effect, inbox_id: UUID | None) -> Effect:
    await evidence_repository.insert_evidence(uow, about, arrival.message, effect=effect, inbox_id=inbox_id)
    return effect
