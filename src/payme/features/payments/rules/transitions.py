"""What a message about a payment means for it: a total function over every state and every message.

    created → sending → pending → succeeded | failed | expired
                      ↘ unknown ↗
A success from any source wins over a failure, before or after it; a failure never undoes a success. Another amount than asked
is never a silent success: it waits among the unclaimed until M-Pesa is asked. An amount above the limit of the policy is not
believed on a callback alone, and neither is anything that names another short code. Silence decides nothing.
Source: Daraja portal, M-Pesa Express; late and contradictory answers as seen in production.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from payme.features.payments.enums import NOTICES, OPEN_STATUSES, PROOFS, Effect, Outcome, PaymentStatus, Source
from payme.kit.phone import normalise_msisdn

MPESA_SMALLEST_CENTS: Final = 100
MPESA_LARGEST_CENTS: Final = 25_000_000
NO_PROMPT_AFTER: Final = timedelta(minutes=2)
UNREACHABLE: Final = "unreachable"
TIMED_OUT: Final = "expired"
UNCONFIRMED: Final = "unconfirmed"


@dataclass(frozen=True, slots=True)
class PaymentState:
    """What the decision needs of a payment.

    `claimed_cents`: what a callback named and M-Pesa has not confirmed yet, if there is such an amount. `shortcodes`: those under
    which M-Pesa may speak of it; where none is given, any. `is_claimed_elsewhere`: a person has given the receipt of this very
    money to something else.
    """

    status: PaymentStatus
    amount_cents: int
    age: timedelta
    receipt: str | None = None
    checkout_request_id: str | None = None
    paid_cents: int | None = None
    claimed_cents: int | None = None
    shortcodes: frozenset[str] = frozenset()
    is_claimed_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody said: amounts in cents, None where the source does not say. A paid callback has amount and receipt.

    A notice of money alone tells the short code's balance after it, and when it was paid.
    """

    source: Source
    outcome: Outcome
    amount_cents: int | None = None
    receipt: str | None = None
    checkout_request_id: str | None = None
    reason: str | None = None
    result_code: str = ""
    shortcode: str | None = None
    balance_cents: int | None = None
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Above which amount a callback alone is not believed, and how old a prompt is before a failed query counts."""

    verify_above_cents: int
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Decision:
    """The next status and what else follows.

    `paid_cents` is set when money is credited; `unclaimed_cents` when an amount goes to the tray; `missing_cents` when money that
    was credited on a query's word turned out to be less; `claimed_cents` when an amount is to be confirmed; `ask` when M-Pesa is
    to be asked soon.
    """

    status: PaymentStatus
    effect: Effect
    paid_cents: int | None = None
    unclaimed_cents: int | None = None
    missing_cents: int | None = None
    claimed_cents: int | None = None
    ask: bool = False
    late: bool = False


class ReceiptOwner(Enum):
    """Whose a receipt turned out to be when it was registered."""

    NEW = auto()
    IN_TRAY = auto()
    OURS_ALREADY = auto()
    CLAIMED = auto()
    ANOTHERS = auto()


CARRIES_RECEIPT: Final = frozenset(
    {
        Effect.SUCCEEDED,
        Effect.LATE_SUCCESS,
        Effect.AMOUNT_DIFFERS,
        Effect.TO_VERIFY,
        Effect.RECEIPT_ADDED,
        Effect.AMOUNT_CORRECTED,
        Effect.SECOND_PAYMENT,
    }
)
"""Effects for which the message's receipt must be nobody else's."""


def next_state(state: PaymentState, message: Message, policy: Policy) -> Decision:
    """Decide what a message does to a payment. Total: every pair has a named result."""
    if stray := _stray(state, message):
        return stray
    match message.outcome:
        case Outcome.PAID:
            return _paid(state, message, policy)
        case Outcome.FAILED:
            return _failed(state, message, policy)
        case Outcome.REFUSED:
            return _refused(state)
        case Outcome.ACCEPTED | Outcome.PENDING:
            return Decision(_still_open(state), Effect.NOTED)
        case Outcome.UNKNOWN:
            return _doubtful(state, message)


def applied_cents(amount_cents: int, paid_cents: int | None) -> int:
    """Return what of a payment counts for its purpose: never more than was asked for."""
    return amount_cents if paid_cents is None else min(amount_cents, paid_cents)


def with_receipt(decision: Decision, state: PaymentState, owner: ReceiptOwner) -> Decision:
    """Return the decision once it is known whose the receipt is: another payment's credits nothing, ours not twice."""
    if owner is ReceiptOwner.CLAIMED:
        return _claimed_elsewhere(state)
    if owner is ReceiptOwner.ANOTHERS:
        return Decision(state.status, Effect.RECEIPT_TAKEN, ask=state.status is not PaymentStatus.SUCCEEDED)
    if owner is ReceiptOwner.OURS_ALREADY and decision.effect is Effect.SECOND_PAYMENT:
        return replace(decision, effect=Effect.DUPLICATE, unclaimed_cents=None)
    return decision


def _stray(state: PaymentState, message: Message) -> Decision | None:
    """Return what becomes of a message that names another prompt or another short code than the payment's, else None."""
    ours, theirs = state.checkout_request_id, message.checkout_request_id
    if ours and theirs and ours != theirs:
        return Decision(state.status, Effect.WRONG_PROMPT)
    if message.shortcode and state.shortcodes and message.shortcode not in state.shortcodes:
        return Decision(state.status, Effect.WRONG_SHORTCODE, ask=state.status in OPEN_STATUSES)
    return None


def _paid(state: PaymentState, message: Message, policy: Policy) -> Decision:
    if state.status is PaymentStatus.SUCCEEDED:
        return _paid_again(state, message)
    late = state.status not in OPEN_STATUSES
    amount = message.amount_cents
    if amount is None:
        credited = _succeeded(state.claimed_cents or state.amount_cents, state, late=late)
        return _claimed_elsewhere(state) if state.is_claimed_elsewhere else credited
    if message.source in PROOFS and state.receipt in {None, message.receipt}:
        return _succeeded(amount, state, late=late)
    if state.claimed_cents is not None:
        return _claimed_again(state, message, amount)
    return _told(state, amount, late=late, is_believed=_is_believed(message, amount, policy))


def _is_believed(message: Message, amount_cents: int, policy: Policy) -> bool:
    return message.source not in NOTICES or amount_cents <= policy.verify_above_cents


def _told(state: PaymentState, amount_cents: int, *, late: bool, is_believed: bool) -> Decision:
    """Decide about the first news of an amount."""
    if amount_cents != state.amount_cents:
        status = state.status if late else PaymentStatus.UNKNOWN
        return Decision(
            status, Effect.AMOUNT_DIFFERS, unclaimed_cents=amount_cents, claimed_cents=amount_cents, ask=True
        )
    if not is_believed:
        status = state.status if late else PaymentStatus.PENDING
        return Decision(status, Effect.TO_VERIFY, claimed_cents=amount_cents, ask=True)
    return _succeeded(amount_cents, state, late=late)


def _claimed_elsewhere(state: PaymentState) -> Decision:
    """Decide about a prompt whose money a person has given to something else: it moved once, so this payment has none."""
    is_over = state.status not in OPEN_STATUSES
    return Decision(state.status if is_over else PaymentStatus.FAILED, Effect.CLAIMED_ELSEWHERE)


def _succeeded(paid_cents: int, state: PaymentState, *, late: bool) -> Decision:
    excess = max(0, paid_cents - state.amount_cents) or None
    effect = Effect.LATE_SUCCESS if late else Effect.SUCCEEDED
    return Decision(PaymentStatus.SUCCEEDED, effect, paid_cents=paid_cents, unclaimed_cents=excess, late=late)


def _claimed_again(state: PaymentState, message: Message, amount_cents: int) -> Decision:
    """Decide about more news of money while an earlier claim is not confirmed: only M-Pesa's answer credits it."""
    if message.receipt == state.receipt:
        return Decision(state.status, Effect.DUPLICATE, ask=True)
    return Decision(state.status, Effect.SECOND_PAYMENT, unclaimed_cents=amount_cents, ask=True)


def _paid_again(state: PaymentState, message: Message) -> Decision:
    amount = message.amount_cents
    if message.receipt is None or amount is None or message.receipt == state.receipt:
        return Decision(state.status, Effect.DUPLICATE)
    if state.receipt is not None:
        return Decision(state.status, Effect.SECOND_PAYMENT, unclaimed_cents=amount)
    difference = amount - (state.paid_cents or state.amount_cents)
    if difference == 0:
        return Decision(state.status, Effect.RECEIPT_ADDED)
    return Decision(
        state.status,
        Effect.AMOUNT_CORRECTED,
        unclaimed_cents=max(0, difference) or None,
        missing_cents=max(0, -difference) or None,
    )


def _failed(state: PaymentState, message: Message, policy: Policy) -> Decision:
    if state.status is PaymentStatus.SUCCEEDED:
        return Decision(state.status, Effect.CONTRADICTS_SUCCESS)
    if state.status not in OPEN_STATUSES:
        return Decision(state.status, Effect.DUPLICATE)
    is_young = state.age < policy.grace
    if is_young and (message.source is Source.QUERY or message.reason == UNREACHABLE):
        return Decision(_still_open(state), Effect.TOO_EARLY, ask=True)
    if state.claimed_cents is not None:
        return Decision(PaymentStatus.UNKNOWN, Effect.CONTRADICTS_CLAIM, ask=message.source is not Source.QUERY)
    # A person closes a prompt that M-Pesa took and never spoke of again; without an id it was never taken.
    given_up = message.source is Source.PERSON and state.checkout_request_id is not None
    is_over = given_up or message.reason in {TIMED_OUT, UNCONFIRMED}
    return Decision(PaymentStatus.EXPIRED if is_over else PaymentStatus.FAILED, Effect.FAILED)


def _refused(state: PaymentState) -> Decision:
    if state.status in {PaymentStatus.CREATED, PaymentStatus.SENDING}:
        return Decision(PaymentStatus.FAILED, Effect.FAILED)
    return Decision(state.status, Effect.NOTED)


def _doubtful(state: PaymentState, message: Message) -> Decision:
    if message.source is Source.ACCEPTANCE and state.status in {PaymentStatus.CREATED, PaymentStatus.SENDING}:
        return Decision(PaymentStatus.UNKNOWN, Effect.NOTED)
    asks = message.source in NOTICES and state.status is not PaymentStatus.SUCCEEDED
    return Decision(state.status, Effect.NOTED, ask=asks)


def _still_open(state: PaymentState) -> PaymentStatus:
    """Return the status of a payment whose end is not known yet; a final one stays as it is."""
    if state.status not in OPEN_STATUSES:
        return state.status
    is_disputed = state.claimed_cents is not None and state.claimed_cents != state.amount_cents
    return PaymentStatus.UNKNOWN if is_disputed else PaymentStatus.PENDING


def prompt_key(phone: str) -> str:
    """Return what prompts to a phone are counted under: the same for every way to write its number, and no number itself."""
    return hashlib.sha256((normalise_msisdn(phone) or phone).encode()).hexdigest()
