"""What a message about a payment means for it: a total function over every state and every message.

    created → sending → pending → succeeded | failed | expired
                      ↘ unknown ↗
A success from any source wins over a failure, before or after it; a failure never undoes a success. Another amount than asked
is never a silent success: it waits among the unclaimed until M-Pesa is asked. Silence decides nothing.
Source: Daraja portal, M-Pesa Express; late and contradictory answers as seen in production.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from payme.features.payments.enums import OPEN_STATUSES, Effect, Outcome, PaymentStatus, Source

MPESA_LARGEST_CENTS: Final = 25_000_000
NO_PROMPT_AFTER: Final = timedelta(minutes=2)
UNREACHABLE: Final = "unreachable"


@dataclass(frozen=True, slots=True)
class PaymentState:
    """What the decision needs of a payment. `disputed_cents`: another amount that a callback named, if one did."""

    status: PaymentStatus
    amount_cents: int
    age: timedelta
    receipt: str | None = None
    checkout_request_id: str | None = None
    disputed_cents: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody said: amounts in cents, None where the source does not say."""

    source: Source
    outcome: Outcome
    amount_cents: int | None = None
    receipt: str | None = None
    checkout_request_id: str | None = None
    reason: str | None = None
    result_code: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """Above which amount a callback alone is not believed, and how old a prompt is before a failed query counts."""

    verify_above_cents: int
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Decision:
    """The next status and what else follows.

    `paid_cents` is set when money is credited; `unclaimed_cents` when an amount goes to the tray; `ask` when M-Pesa is to be
    asked soon.
    """

    status: PaymentStatus
    effect: Effect
    paid_cents: int | None = None
    unclaimed_cents: int | None = None
    ask: bool = False
    late: bool = False


def next_state(state: PaymentState, message: Message, policy: Policy) -> Decision:
    """Decide what a message does to a payment. Total: every pair has a named result."""
    ours, theirs = state.checkout_request_id, message.checkout_request_id
    if ours and theirs and ours != theirs:
        return Decision(state.status, Effect.WRONG_PROMPT)
    match message.outcome:
        case Outcome.PAID:
            return _paid(state, message, policy)
        case Outcome.FAILED:
            return _failed(state, message, policy)
        case Outcome.REFUSED:
            return _refused(state)
        case Outcome.ACCEPTED:
            return _moved(state, PaymentStatus.PENDING)
        case Outcome.UNKNOWN:
            if message.source is Source.ACCEPTANCE and state.status in {PaymentStatus.CREATED, PaymentStatus.SENDING}:
                return Decision(PaymentStatus.UNKNOWN, Effect.NOTED)
            return Decision(state.status, Effect.NOTED)
        case Outcome.PENDING:
            return _moved(state, PaymentStatus.PENDING)


def applied_cents(amount_cents: int, paid_cents: int | None) -> int:
    """Return what of a payment counts for its purpose: never more than was asked for."""
    return amount_cents if paid_cents is None else min(amount_cents, paid_cents)


def receipt_taken(decision: Decision, state: PaymentState) -> Decision:
    """Return the decision once it is known that the receipt belongs to another payment already: nothing is credited."""
    return replace(
        decision, status=state.status, effect=Effect.RECEIPT_TAKEN, paid_cents=None, unclaimed_cents=None, late=False
    )


def _paid(state: PaymentState, message: Message, policy: Policy) -> Decision:
    if state.status is PaymentStatus.SUCCEEDED:
        return _paid_again(state, message)
    late = state.status not in OPEN_STATUSES
    if message.amount_cents is None:
        return _succeeded(state.disputed_cents or state.amount_cents, state, late=late)
    if message.amount_cents != state.amount_cents:
        if state.disputed_cents is not None:
            return Decision(state.status, Effect.DUPLICATE, ask=True)
        status = state.status if late else PaymentStatus.UNKNOWN
        return Decision(status, Effect.AMOUNT_DIFFERS, unclaimed_cents=message.amount_cents, ask=True)
    if message.source is Source.CALLBACK and message.amount_cents > policy.verify_above_cents:
        return Decision(state.status if late else PaymentStatus.PENDING, Effect.TO_VERIFY, ask=True)
    return _succeeded(message.amount_cents, state, late=late)


def _succeeded(paid_cents: int, state: PaymentState, *, late: bool) -> Decision:
    excess = max(0, paid_cents - state.amount_cents) or None
    effect = Effect.LATE_SUCCESS if late else Effect.SUCCEEDED
    return Decision(PaymentStatus.SUCCEEDED, effect, paid_cents=paid_cents, unclaimed_cents=excess, late=late)


def _paid_again(state: PaymentState, message: Message) -> Decision:
    if message.receipt and state.receipt is None:
        return Decision(state.status, Effect.RECEIPT_ADDED)
    if message.receipt and message.receipt != state.receipt and message.amount_cents:
        return Decision(state.status, Effect.SECOND_PAYMENT, unclaimed_cents=message.amount_cents)
    return Decision(state.status, Effect.DUPLICATE)


def _failed(state: PaymentState, message: Message, policy: Policy) -> Decision:
    if state.status is PaymentStatus.SUCCEEDED:
        return Decision(state.status, Effect.CONTRADICTS_SUCCESS)
    if state.status not in OPEN_STATUSES:
        return Decision(state.status, Effect.DUPLICATE)
    young = state.age < policy.grace
    doubted = message.reason == UNREACHABLE or state.disputed_cents is not None
    if young and (message.source is Source.QUERY or doubted):
        return Decision(PaymentStatus.PENDING, Effect.TOO_EARLY, ask=True)
    if state.disputed_cents is not None and message.source is not Source.QUERY:
        return Decision(state.status, Effect.NOTED, ask=True)
    return Decision(PaymentStatus.FAILED, Effect.FAILED)


def _refused(state: PaymentState) -> Decision:
    if state.status in {PaymentStatus.CREATED, PaymentStatus.SENDING}:
        return Decision(PaymentStatus.FAILED, Effect.FAILED)
    return Decision(state.status, Effect.NOTED)


def _moved(state: PaymentState, status: PaymentStatus) -> Decision:
    if state.status in OPEN_STATUSES:
        keeps_doubt = state.disputed_cents is not None
        return Decision(PaymentStatus.UNKNOWN if keeps_doubt else status, Effect.NOTED)
    return Decision(state.status, Effect.NOTED)
