"""What every message does to every state: the whole table, by name."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from payme.features.payments.enums import OPEN_STATUSES, Effect, Outcome, PaymentStatus, Source
from payme.features.payments.rules.transitions import (
    Decision,
    Message,
    PaymentState,
    Policy,
    ReceiptOwner,
    applied_cents,
    next_state,
    with_receipt,
)

ASKED = 15_000
POLICY = Policy(verify_above_cents=1_000_000, grace=timedelta(seconds=60))
OLD, YOUNG = timedelta(seconds=61), timedelta(seconds=59)
RECEIPT, OTHER_RECEIPT = "UKM8RT2K1P", "UKM8RT2K1Q"
CREATED, SENDING, PENDING, UNKNOWN, SUCCEEDED, FAILED, EXPIRED = PaymentStatus

ACCEPTED = Message(Source.ACCEPTANCE, Outcome.ACCEPTED)
REFUSED = Message(Source.ACCEPTANCE, Outcome.REFUSED)
DOUBT = Message(Source.ACCEPTANCE, Outcome.UNKNOWN)
CALLED_PAID = Message(Source.CALLBACK, Outcome.PAID, ASKED, RECEIPT)
CALLED_OTHER = Message(Source.CALLBACK, Outcome.PAID, ASKED - 100, RECEIPT)
CALLED_FAILED = Message(Source.CALLBACK, Outcome.FAILED, reason="cancelled")
CALLED_UNREACHABLE = Message(Source.CALLBACK, Outcome.FAILED, reason="unreachable")
CALLED_EXPIRED = Message(Source.CALLBACK, Outcome.FAILED, reason="expired")
CALLED_UNREADABLE = Message(Source.CALLBACK, Outcome.UNKNOWN)
ASKED_PAID = Message(Source.QUERY, Outcome.PAID)
ASKED_FAILED = Message(Source.QUERY, Outcome.FAILED, reason="unreachable")
ASKED_PENDING = Message(Source.QUERY, Outcome.PENDING)
ASKED_UNKNOWN = Message(Source.QUERY, Outcome.UNKNOWN)
PERSON_NO = Message(Source.PERSON, Outcome.FAILED, reason="not_sent")
BEFORE_ANSWER = (CREATED, SENDING)
OPEN = (CREATED, SENDING, PENDING, UNKNOWN)
LOST = (FAILED, EXPIRED)

# message, states, age → next status (None: the same), effect
TABLE: list[tuple[Message, tuple[PaymentStatus, ...], timedelta, PaymentStatus | None, Effect]] = [
    (ACCEPTED, OPEN, OLD, PENDING, Effect.NOTED),
    (ACCEPTED, (SUCCEEDED, *LOST), OLD, None, Effect.NOTED),
    (REFUSED, BEFORE_ANSWER, OLD, FAILED, Effect.FAILED),
    (REFUSED, (PENDING, UNKNOWN, SUCCEEDED, *LOST), OLD, None, Effect.NOTED),
    (DOUBT, BEFORE_ANSWER, OLD, UNKNOWN, Effect.NOTED),
    (DOUBT, (PENDING, UNKNOWN, SUCCEEDED, *LOST), OLD, None, Effect.NOTED),
    (CALLED_PAID, OPEN, YOUNG, SUCCEEDED, Effect.SUCCEEDED),
    (CALLED_PAID, LOST, OLD, SUCCEEDED, Effect.LATE_SUCCESS),
    (CALLED_PAID, (SUCCEEDED,), OLD, None, Effect.DUPLICATE),
    (CALLED_OTHER, OPEN, OLD, UNKNOWN, Effect.AMOUNT_DIFFERS),
    (CALLED_OTHER, LOST, OLD, None, Effect.AMOUNT_DIFFERS),
    (CALLED_OTHER, (SUCCEEDED,), OLD, None, Effect.DUPLICATE),
    (CALLED_FAILED, OPEN, YOUNG, FAILED, Effect.FAILED),
    (CALLED_FAILED, (SUCCEEDED,), OLD, None, Effect.CONTRADICTS_SUCCESS),
    (CALLED_FAILED, LOST, OLD, None, Effect.DUPLICATE),
    (CALLED_UNREACHABLE, OPEN, YOUNG, PENDING, Effect.TOO_EARLY),
    (CALLED_UNREACHABLE, OPEN, OLD, FAILED, Effect.FAILED),
    (CALLED_UNREACHABLE, (SUCCEEDED,), YOUNG, None, Effect.CONTRADICTS_SUCCESS),
    (CALLED_UNREACHABLE, LOST, YOUNG, None, Effect.DUPLICATE),
    (CALLED_EXPIRED, OPEN, YOUNG, EXPIRED, Effect.FAILED),
    (CALLED_EXPIRED, (SUCCEEDED,), OLD, None, Effect.CONTRADICTS_SUCCESS),
    (CALLED_EXPIRED, LOST, OLD, None, Effect.DUPLICATE),
    (CALLED_UNREADABLE, tuple(PaymentStatus), OLD, None, Effect.NOTED),
    (ASKED_PAID, OPEN, YOUNG, SUCCEEDED, Effect.SUCCEEDED),
    (ASKED_PAID, LOST, OLD, SUCCEEDED, Effect.LATE_SUCCESS),
    (ASKED_PAID, (SUCCEEDED,), OLD, None, Effect.DUPLICATE),
    (ASKED_FAILED, OPEN, YOUNG, PENDING, Effect.TOO_EARLY),
    (ASKED_FAILED, OPEN, OLD, FAILED, Effect.FAILED),
    (ASKED_FAILED, (SUCCEEDED,), OLD, None, Effect.CONTRADICTS_SUCCESS),
    (ASKED_FAILED, LOST, OLD, None, Effect.DUPLICATE),
    (ASKED_PENDING, OPEN, OLD, PENDING, Effect.NOTED),
    (ASKED_PENDING, (SUCCEEDED, *LOST), OLD, None, Effect.NOTED),
    (ASKED_UNKNOWN, tuple(PaymentStatus), OLD, None, Effect.NOTED),
    (PERSON_NO, OPEN, OLD, FAILED, Effect.FAILED),
    (PERSON_NO, (SUCCEEDED,), OLD, None, Effect.CONTRADICTS_SUCCESS),
    (PERSON_NO, LOST, OLD, None, Effect.DUPLICATE),
]


def payment(status: PaymentStatus, age: timedelta = OLD, **more: object) -> PaymentState:
    settled = {"receipt": RECEIPT, "paid_cents": ASKED} if status is SUCCEEDED else {}
    return PaymentState(status, ASKED, age, **(settled | more))  # type: ignore[arg-type]  # the test says what it changes


def decide(state: PaymentState, message: Message) -> Decision:
    return next_state(state, message, POLICY)


@pytest.mark.parametrize(
    ("message", "status", "age", "following", "effect"),
    [(message, status, age, to or status, effect) for message, states, age, to, effect in TABLE for status in states],
)
def test_a_message_has_its_named_result(
    message: Message, status: PaymentStatus, age: timedelta, following: PaymentStatus, effect: Effect
) -> None:
    decision = decide(payment(status, age), message)
    assert (decision.status, decision.effect) == (following, effect)


def test_the_table_leaves_no_pair_out() -> None:
    messages = {message for message, *_ in TABLE}
    covered = {(message, status) for message, states, *_ in TABLE for status in states}
    assert covered == set(product(messages, PaymentStatus))


@pytest.mark.parametrize(("source", "outcome", "status"), list(product(Source, Outcome, PaymentStatus)))
def test_nothing_raises_and_no_success_is_taken_back(source: Source, outcome: Outcome, status: PaymentStatus) -> None:
    amount, receipt = (ASKED, OTHER_RECEIPT) if outcome is Outcome.PAID and source is Source.CALLBACK else (None, None)
    decision = decide(payment(status), Message(source, outcome, amount, receipt))
    if status is SUCCEEDED:
        assert decision.status is SUCCEEDED
        assert decision.paid_cents is None
    if status in LOST:
        assert decision.status in {status, SUCCEEDED}
    if decision.status is SUCCEEDED and status is not SUCCEEDED:
        assert outcome is Outcome.PAID
        assert decision.paid_cents == ASKED


@pytest.mark.parametrize("status", OPEN)
def test_silence_and_doubt_never_fail_a_payment(status: PaymentStatus) -> None:
    for outcome in (Outcome.UNKNOWN, Outcome.PENDING, Outcome.ACCEPTED):
        for source in Source:
            assert decide(payment(status, timedelta(days=30)), Message(source, outcome)).status in OPEN_STATUSES


def test_another_prompts_news_changes_nothing() -> None:
    state = payment(PENDING, checkout_request_id="ws_CO_1")
    message = Message(Source.CALLBACK, Outcome.PAID, ASKED, RECEIPT, checkout_request_id="ws_CO_2")
    assert decide(state, message) == Decision(PENDING, Effect.WRONG_PROMPT)


@pytest.mark.parametrize("message", [CALLED_PAID, CALLED_OTHER, CALLED_FAILED, CALLED_UNREADABLE])
def test_another_short_code_is_asked_about_and_decides_nothing(message: Message):
    state = PaymentState(PENDING, ASKED, OLD, shortcodes=frozenset({"651200", "5651201"}))
    elsewhere = replace(message, shortcode="174379")
    assert decide(state, elsewhere) == Decision(PENDING, Effect.WRONG_SHORTCODE, ask=True)
    assert decide(replace(state, status=SUCCEEDED), elsewhere) == Decision(SUCCEEDED, Effect.WRONG_SHORTCODE)
    for here in (replace(message, shortcode="5651201"), replace(message, shortcode=None)):
        assert decide(state, here).effect is not Effect.WRONG_SHORTCODE


def test_less_than_asked_is_a_part_payment_once_m_pesa_agrees() -> None:
    first = decide(payment(PENDING), CALLED_OTHER)
    assert (first.unclaimed_cents, first.claimed_cents, first.paid_cents, first.ask) == (14_900, 14_900, None, True)
    second = decide(payment(UNKNOWN, claimed_cents=14_900, receipt=RECEIPT), ASKED_PAID)
    assert (second.status, second.paid_cents, second.unclaimed_cents) == (SUCCEEDED, 14_900, None)


def test_more_than_asked_is_applied_and_the_excess_stays_unclaimed() -> None:
    decision = decide(payment(UNKNOWN, claimed_cents=16_000, receipt=RECEIPT), ASKED_PAID)
    assert (decision.paid_cents, decision.unclaimed_cents) == (16_000, 1_000)
    assert applied_cents(ASKED, decision.paid_cents) == ASKED


def test_above_the_limit_a_callback_is_only_a_claim() -> None:
    large = PaymentState(PENDING, 2_000_000, OLD)
    decision = decide(large, Message(Source.CALLBACK, Outcome.PAID, 2_000_000, RECEIPT))
    assert decision == Decision(PENDING, Effect.TO_VERIFY, claimed_cents=2_000_000, ask=True)
    at_limit = PaymentState(PENDING, 1_000_000, OLD)
    assert decide(at_limit, Message(Source.CALLBACK, Outcome.PAID, 1_000_000, RECEIPT)).status is SUCCEEDED


def test_a_large_late_callback_is_asked_about_and_leaves_the_failure_standing_until_then() -> None:
    decision = decide(PaymentState(FAILED, 2_000_000, OLD), Message(Source.CALLBACK, Outcome.PAID, 2_000_000, RECEIPT))
    assert decision == Decision(FAILED, Effect.TO_VERIFY, claimed_cents=2_000_000, ask=True)
    confirmed = decide(PaymentState(FAILED, 2_000_000, OLD, RECEIPT, claimed_cents=2_000_000), ASKED_PAID)
    assert (confirmed.status, confirmed.effect, confirmed.late) == (SUCCEEDED, Effect.LATE_SUCCESS, True)


@pytest.mark.parametrize("message", [CALLED_FAILED, ASKED_FAILED, PERSON_NO])
def test_a_failure_against_a_claim_of_money_leaves_the_payment_in_doubt(message: Message) -> None:
    decision = decide(payment(PENDING, claimed_cents=ASKED, receipt=RECEIPT), message)
    assert (decision.status, decision.effect) == (UNKNOWN, Effect.CONTRADICTS_CLAIM)


def test_a_claim_heard_again_is_a_duplicate_and_another_receipt_is_more_money() -> None:
    state = payment(UNKNOWN, claimed_cents=14_900, receipt=RECEIPT)
    assert decide(state, CALLED_OTHER).effect is Effect.DUPLICATE
    other = decide(state, Message(Source.CALLBACK, Outcome.PAID, ASKED, OTHER_RECEIPT))
    assert (other.effect, other.unclaimed_cents, other.paid_cents) == (Effect.SECOND_PAYMENT, ASKED, None)


def test_a_receipt_that_comes_after_the_query_is_added() -> None:
    state = payment(SUCCEEDED, receipt=None)
    assert decide(state, CALLED_PAID).effect is Effect.RECEIPT_ADDED


@pytest.mark.parametrize(("amount", "unclaimed", "missing"), [(14_900, None, 100), (16_000, 1_000, None)])
def test_a_callback_corrects_what_a_query_had_credited(amount: int, unclaimed: int | None, missing: int | None) -> None:
    decision = decide(payment(SUCCEEDED, receipt=None), Message(Source.CALLBACK, Outcome.PAID, amount, RECEIPT))
    assert decision.effect is Effect.AMOUNT_CORRECTED
    assert (decision.status, decision.unclaimed_cents, decision.missing_cents) == (SUCCEEDED, unclaimed, missing)


def test_a_second_receipt_for_a_paid_prompt_is_put_aside() -> None:
    decision = decide(payment(SUCCEEDED), Message(Source.CALLBACK, Outcome.PAID, ASKED, OTHER_RECEIPT))
    assert (decision.effect, decision.unclaimed_cents) == (Effect.SECOND_PAYMENT, ASKED)


def test_a_person_closes_what_m_pesa_took_and_never_spoke_of_as_expired() -> None:
    assert decide(payment(PENDING, checkout_request_id="ws_CO_1"), PERSON_NO).status is EXPIRED
    assert decide(payment(UNKNOWN), PERSON_NO).status is FAILED


def test_a_receipt_of_another_payment_credits_nothing() -> None:
    state = payment(PENDING)
    decision = with_receipt(decide(state, CALLED_PAID), state, ReceiptOwner.ANOTHERS)
    assert decision == Decision(PENDING, Effect.RECEIPT_TAKEN, ask=True)


def test_a_second_payment_is_put_aside_once() -> None:
    state = payment(SUCCEEDED)
    decision = decide(state, Message(Source.CALLBACK, Outcome.PAID, ASKED, OTHER_RECEIPT))
    again = with_receipt(decision, state, ReceiptOwner.OURS_ALREADY)
    assert (again.effect, again.unclaimed_cents) == (Effect.DUPLICATE, None)
    assert with_receipt(decision, state, ReceiptOwner.NEW) == decision
