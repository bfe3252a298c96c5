"""Where a payout goes next: a total function over every state and all news. Money that left is never undone by a failure.

    awaiting_approval → approved → sending → pending → succeeded | failed
                      ↘ rejected          ↘ unknown ↗
A payout is sent once. What nobody answered is asked about and never sent again; silence decides nothing.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final


class PayoutState(StrEnum):
    """Where a payout stands."""

    AWAITING_APPROVAL = "awaiting_approval"
    REJECTED = "rejected"
    APPROVED = "approved"
    SENDING = "sending"
    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class News(StrEnum):
    """What is heard of a payout."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DOUBT = "doubt"
    NOT_SENT = "not_sent"
    PAID = "paid"
    DENIED = "denied"


SMALLEST_CENTS: Final = 1_000
"""What M-Pesa pays a person at least; a payment may be sent back whatever it is."""
ASK_AFTER: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 3, 10, 30, 120, 480, 1_440, 2_880))
"""How long after the one before each question about a payout is asked; then it waits for a person.

The answers come to our door: a day on which nothing arrives there would lose all of those within it.
"""
ON_ITS_WAY: Final = frozenset({PayoutState.SENDING, PayoutState.PENDING, PayoutState.UNKNOWN})
ENDED: Final = frozenset({PayoutState.REJECTED, PayoutState.SUCCEEDED, PayoutState.FAILED})


def next_state(state: PayoutState, news: News) -> PayoutState:
    """Return where a payout goes; news that says nothing new leaves it where it is.

    A late success beats a failure, because the money left. A refusal and a not-sent count only for what was just being sent.
    """
    match news:
        case News.PAID:
            was_sent = state in ON_ITS_WAY or state is PayoutState.FAILED
            return PayoutState.SUCCEEDED if was_sent else state
        case News.DENIED:
            return PayoutState.FAILED if state in ON_ITS_WAY else state
        case News.REFUSED:
            return PayoutState.FAILED if state is PayoutState.SENDING else state
        case News.NOT_SENT:
            return PayoutState.APPROVED if state is PayoutState.SENDING else state
        case News.ACCEPTED:
            return PayoutState.PENDING if state in {PayoutState.SENDING, PayoutState.UNKNOWN} else state
        case News.DOUBT:
            return PayoutState.UNKNOWN if state in {PayoutState.SENDING, PayoutState.PENDING} else state


def asks_original(kind: str, conversation_id: str | None, *, questions: int) -> bool:
    """Say whether M-Pesa is next asked about the payment that an order sends back, and not about the order itself.

    A reversal carries no id of ours, so without M-Pesa's the payment is all that can be asked about. Where both can be, they
    take turns, the payment first: an order that came too late is declined, and the payment is reversed all the same.
    """
    return kind == "reversal" and (conversation_id is None or questions % 2 == 0)


def way_out(state: PayoutState) -> PayoutState:
    """Return how a payout ends whose purpose another has served: rejected where it was not sent, else failed."""
    return PayoutState.FAILED if state in ON_ITS_WAY else PayoutState.REJECTED


def is_left_to_person(state: str, questions: int) -> bool:
    """Say whether M-Pesa was asked about a payout for the last time and its end is still not known."""
    return state in ON_ITS_WAY and questions >= len(ASK_AFTER)


def is_within(amount_cents: int, *, limit_cents: int, day_limit_cents: int, paid_today_cents: int) -> bool:
    """Say whether a payout keeps both limits of a business."""
    return amount_cents <= limit_cents and paid_today_cents + amount_cents <= day_limit_cents
