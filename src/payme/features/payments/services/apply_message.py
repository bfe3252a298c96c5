"""The one door through which news of a payment comes: answers, callbacks, queries, people.

The payment is locked, the rules decide, and everything that follows is written with it: evidence, receipt, books, the unclaimed
tray, audit and the event, which is published once because only a change of state publishes it.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from payme.features import audit, ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.enums import NOTICES, Effect, PaymentStatus
from payme.features.payments.errors import PaymentNotFound
from payme.features.payments.events import PaymentChanged, PaymentFailed, PaymentSucceeded, WalletOverpaid
from payme.features.payments.repository import claims, methods
from payme.features.payments.repository import evidence as evidence_repository
from payme.features.payments.repository import payments as repository
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.repository.evidence import About, Holder
from payme.features.payments.repository.payments import Changes, StoredPayment
from payme.features.payments.repository.unclaimed import NewUnclaimed
from payme.features.payments.rules.transitions import (
    CARRIES_RECEIPT,
    Decision,
    Message,
    PaymentState,
    Policy,
    ReceiptOwner,
    applied_cents,
    next_state,
    with_receipt,
)
from payme.features.payments.services.checks import MpesaRules, schedule_check
from payme.features.payments.services.policies import verify_above_cents
from payme.features.payments.services.verify_claim import verify_claim
from payme.runtime.database import UnitOfWork

_KEEPS_RECEIPT: Final = CARRIES_RECEIPT - {Effect.SECOND_PAYMENT}
_SILENT: Final = frozenset({Effect.NOTED, Effect.DUPLICATE, Effect.TOO_EARLY})
_CLAIM: Final = "mpesa_claim"
_TRAY_REASON: Final = {Effect.AMOUNT_DIFFERS: "amount_differs", Effect.SECOND_PAYMENT: "no_match"}
_NOT_OURS: Final = frozenset({Effect.WRONG_PROMPT, Effect.WRONG_SHORTCODE})
_ENDED_WITHOUT_MONEY: Final = frozenset({PaymentStatus.FAILED, PaymentStatus.EXPIRED})


@dataclass(frozen=True, slots=True)
class Attached:
    """What comes with a message besides its meaning: the stored callback, M-Pesa's second id, words for people."""

    inbox_id: UUID | None = None
    merchant_request_id: str | None = None
    reason_text: str | None = None


@dataclass(frozen=True, slots=True)
class _News:
    """A message with the payment it is about and what the rules made of it; `disputed_id` is its open row in the tray."""

    payment: StoredPayment
    message: Message
    decision: Decision
    disputed_id: UUID | None

    @property
    def has_moved(self) -> bool:
        return self.decision.status is not self.payment.status

    @property
    def is_ours_to_book(self) -> bool:
        """Whether the money is the business's own; the platform books what it is paid elsewhere."""
        return self.payment.payee == "business"


async def apply_message(
    uow: UnitOfWork, payment_id: UUID, message: Message, *, attached: Attached | None = None
) -> Decision:
    """Apply what somebody said about a payment; hearing it again changes nothing more.

    Locks the payment. Raises: PaymentNotFound.
    """
    attached = attached or Attached()
    payment = await repository.lock_payment(uow, payment_id)
    if payment is None:
        raise PaymentNotFound(payment_id=payment_id)
    disputed_id = await tray.lock_disputed(uow, payment_id) if payment.claimed_cents else None
    news = _News(payment, message, await _decide(uow, payment, message), disputed_id)
    about = About(payment.shortcode, payment_id=payment.id)
    await evidence_repository.insert_evidence(
        uow, about, message, effect=news.decision.effect, inbox_id=attached.inbox_id
    )
    has_written = await _write(uow, news, attached)
    await _book(uow, news)
    _tell(uow, news, has_written=has_written)
    if news.decision.ask:
        schedule_check(uow, payment, soon=True)
    return news.decision


async def _decide(uow: UnitOfWork, payment: StoredPayment, message: Message) -> Decision:
    rules = uow.tool(MpesaRules)
    state = PaymentState(
        status=payment.status,
        amount_cents=payment.amount_cents,
        age=uow.now - payment.asked_at,
        receipt=payment.mpesa_receipt_number,
        checkout_request_id=payment.checkout_request_id,
        paid_cents=payment.paid_cents,
        claimed_cents=payment.claimed_cents,
        shortcodes=await _shortcodes(uow, payment, message),
        is_claimed_elsewhere=await evidence_repository.is_claimed_elsewhere(uow, payment.id),
    )
    decision = next_state(state, message, Policy(await verify_above_cents(uow), rules.grace))
    if message.receipt is None or decision.effect not in CARRIES_RECEIPT:
        return decision
    return with_receipt(decision, state, await _owner(uow, payment, message, receipt=message.receipt))


async def _owner(uow: UnitOfWork, payment: StoredPayment, message: Message, *, receipt: str) -> ReceiptOwner:
    """Return whose a receipt is, having taken it for the payment where nobody else has a right to it.

    A cashier's claim of it is proved by this very message. What lies in the tray is taken out again: the notice that put it
    there and this message tell of the same money.
    """
    shortcode = payment.shortcode or ""
    held = await claims.find_receipt_holder(uow, receipt)
    if held is not None and held[1] == _CLAIM:
        await verify_claim(uow, held[0], message, shortcode=shortcode)
        return ReceiptOwner.CLAIMED
    holder = Holder("payment", payment.id, shortcode)
    owner = await evidence_repository.register_receipt(uow, receipt, holder)
    return await _out_of_tray(uow, payment, receipt) if owner is ReceiptOwner.IN_TRAY else owner


async def _out_of_tray(uow: UnitOfWork, payment: StoredPayment, receipt: str) -> ReceiptOwner:
    row = await tray.lock_receipt(uow, receipt)
    assert row is not None, "the receipt is registered to a row of the tray"
    if row.state == "matched":
        return ReceiptOwner.OURS_ALREADY if payment.mpesa_receipt_number == receipt else ReceiptOwner.ANOTHERS
    if row.state != "unclaimed":
        return ReceiptOwner.CLAIMED
    await tray.end(uow, row.id, "matched")
    undone = Posting("payment.matched", AccountCode.MPESA, AccountCode.MPESA_UNCLAIMED, row.amount_cents, row.id)
    ledger.post(uow, [undone])
    uow.touch("unclaimed", row.id)
    return ReceiptOwner.NEW


async def _shortcodes(uow: UnitOfWork, payment: StoredPayment, message: Message) -> frozenset[str]:
    """Return the short codes under which M-Pesa may speak of a payment: its own, and the till whose store number that is."""
    if payment.shortcode is None or message.shortcode in {None, payment.shortcode}:
        return frozenset({payment.shortcode} if payment.shortcode else ())
    method = await methods.find_prompting_method(uow)
    till = method.till_number if method and method.shortcode == payment.shortcode else None
    return frozenset({payment.shortcode, till} if till else {payment.shortcode})


async def _write(uow: UnitOfWork, news: _News, attached: Attached) -> bool:
    """Write what is new about the payment; return whether anything was."""
    payment, message, decision = news.payment, news.message, news.decision
    has_failed = news.has_moved and decision.status in _ENDED_WITHOUT_MONEY
    has_succeeded = news.has_moved and decision.status is PaymentStatus.SUCCEEDED
    belongs = decision.effect not in _NOT_OURS
    paid_cents = decision.paid_cents
    if decision.effect is Effect.AMOUNT_CORRECTED and decision.unclaimed_cents:
        paid_cents = message.amount_cents
    changes = Changes(
        status=decision.status,
        paid_cents=paid_cents,
        receipt=message.receipt if decision.effect in _KEEPS_RECEIPT else None,
        checkout_request_id=message.checkout_request_id if belongs and not payment.checkout_request_id else None,
        merchant_request_id=attached.merchant_request_id if belongs else None,
        reason_code=_reason_code(news) if has_failed else None,
        reason_text=attached.reason_text if has_failed else None,
        claimed_cents=decision.claimed_cents,
        late=decision.late,
        settles_claim=has_succeeded,
    )
    if not news.has_moved and changes == Changes(status=decision.status):
        return False
    await repository.move(uow, payment.id, changes)
    return True


def _reason_code(news: _News) -> str:
    if news.decision.effect is Effect.CLAIMED_ELSEWHERE:
        return news.decision.effect
    return news.message.reason or news.message.result_code or "failed"


async def _book(uow: UnitOfWork, news: _News) -> None:
    payment, decision = news.payment, news.decision
    postings: list[Posting] = []
    if decision.paid_cents is not None:
        applied = applied_cents(payment.amount_cents, decision.paid_cents)
        target = AccountCode.MPESA if news.disputed_id is None else AccountCode.MPESA_UNCLAIMED
        postings.append(Posting("payment.received", AccountCode.PAYMENTS_HELD, target, applied, payment.id))
        if news.disputed_id is not None:
            await tray.end(uow, news.disputed_id, "claimed")
    if decision.unclaimed_cents is not None:
        unclaimed_id = await _put_in_tray(uow, news, decision.unclaimed_cents)
        if not news.is_ours_to_book:
            await _hand_to_platform(uow, news, unclaimed_id, amount_cents=decision.unclaimed_cents)
        # What exceeds a disputed amount has been among the unclaimed since the dispute began.
        if decision.paid_cents is None or news.disputed_id is None:
            unclaimed, mpesa = AccountCode.MPESA_UNCLAIMED, AccountCode.MPESA
            postings.append(Posting("payment.unclaimed", unclaimed, mpesa, decision.unclaimed_cents, unclaimed_id))
    if decision.missing_cents is not None:
        mpesa, missing = AccountCode.MPESA, AccountCode.MPESA_TO_CONFIRM
        postings.append(Posting("payment.missing", mpesa, missing, decision.missing_cents, payment.id))
    if postings and news.is_ours_to_book:
        ledger.post(uow, postings)


async def _put_in_tray(uow: UnitOfWork, news: _News, amount_cents: int) -> UUID:
    payment, message = news.payment, news.message
    new = NewUnclaimed(
        amount_cents, _TRAY_REASON.get(news.decision.effect, "overpaid"), message.source, payment.shortcode or "",
        message.receipt or payment.mpesa_receipt_number, payment.id,
    )  # fmt: skip
    unclaimed_id = await tray.insert_unclaimed(uow, new)
    uow.touch("unclaimed", unclaimed_id)
    return unclaimed_id


async def _hand_to_platform(uow: UnitOfWork, news: _News, unclaimed_id: UUID, *, amount_cents: int) -> None:
    """Have the platform's money buy what it can, where it is sure: nobody in the shop may claim it out of the shop's tray."""
    payment, message = news.payment, news.message
    is_disputed = news.decision.effect is Effect.AMOUNT_DIFFERS
    if is_disputed or (message.source in NOTICES and amount_cents > await verify_above_cents(uow)):
        return
    await tray.end(uow, unclaimed_id, "claimed")
    audit.record(uow, "payment.wallet_overpaid", unclaimed_id, amount_cents=amount_cents, payment_id=payment.id)
    uow.publish(
        WalletOverpaid(
            subject_id=unclaimed_id, payment_id=payment.id, purpose=payment.purpose, purpose_id=payment.purpose_id,
            amount_cents=amount_cents,
        )
    )  # fmt: skip


def _tell(uow: UnitOfWork, news: _News, *, has_written: bool) -> None:
    payment, message, decision = news.payment, news.message, news.decision
    if news.has_moved or decision.effect not in _SILENT:
        audit.record(
            uow, f"payment.{decision.effect}", payment.id, source=message.source, outcome=message.outcome,
            status=decision.status, result_code=message.result_code,
        )  # fmt: skip
    if has_written:
        uow.touch("payments", payment.id)
    if news.has_moved:
        uow.publish(_event(news))


def _event(news: _News) -> PaymentSucceeded | PaymentFailed | PaymentChanged:
    payment, decision = news.payment, news.decision
    if decision.status is PaymentStatus.SUCCEEDED:
        return PaymentSucceeded(
            subject_id=payment.id, payment_id=payment.id, purpose=payment.purpose, purpose_id=payment.purpose_id,
            applied_cents=applied_cents(payment.amount_cents, decision.paid_cents), late=decision.late,
        )  # fmt: skip
    if decision.status in _ENDED_WITHOUT_MONEY:
        return PaymentFailed(
            subject_id=payment.id, payment_id=payment.id, purpose=payment.purpose, purpose_id=payment.purpose_id,
            reason_code=_reason_code(news),
            expired=decision.status is PaymentStatus.EXPIRED,
        )  # fmt: skip
    return PaymentChanged(subject_id=payment.id, status=decision.status)
