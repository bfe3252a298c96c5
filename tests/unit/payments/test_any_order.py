"""Any messages in any order: a success stays, money is credited once, and every shilling of evidence is somewhere."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from payme.features.payments.enums import Effect, Outcome, PaymentStatus, Source
from payme.features.payments.rules.transitions import (
    CARRIES_RECEIPT,
    Decision,
    Message,
    PaymentState,
    Policy,
    ReceiptOwner,
    next_state,
    with_receipt,
)

ASKED = 15_000
LIMITS = st.sampled_from([1_000_000, 10_000])
GRACE = timedelta(seconds=60)


@dataclass
class Told:
    """A payment that was told things, kept as the service keeps it."""

    policy: Policy
    state: PaymentState = field(
        default_factory=lambda: PaymentState(PaymentStatus.SENDING, ASKED, timedelta(), checkout_request_id="ws_CO_1")
    )
    credited: list[int] = field(default_factory=list)
    tray: dict[str, int] = field(default_factory=dict)
    excess: int = 0
    missing: int = 0
    receipts: set[str] = field(default_factory=set)
    history: list[PaymentStatus] = field(default_factory=list)

    def hear(self, message: Message, age: timedelta) -> Decision:
        state = replace(self.state, age=max(self.state.age, age))
        decision = next_state(state, message, self.policy)
        if message.receipt and decision.effect in CARRIES_RECEIPT:
            owner = ReceiptOwner.OURS_ALREADY if message.receipt in self.receipts else ReceiptOwner.NEW
            self.receipts.add(message.receipt)
            decision = with_receipt(decision, state, owner)
        self._keep(state, message, decision)
        self.history.append(decision.status)
        return decision

    def _keep(self, state: PaymentState, message: Message, decision: Decision) -> None:
        paid, claimed, receipt = state.paid_cents, decision.claimed_cents or state.claimed_cents, state.receipt
        if decision.effect in CARRIES_RECEIPT - {Effect.SECOND_PAYMENT}:
            receipt = message.receipt or receipt
        if decision.paid_cents is not None:
            self.credited.append(decision.paid_cents)
            paid, claimed = decision.paid_cents, None
            self.tray.pop("disputed", None)
            self.excess += decision.unclaimed_cents or 0
        elif decision.effect is Effect.AMOUNT_CORRECTED:
            self.excess += decision.unclaimed_cents or 0
            self.missing += decision.missing_cents or 0
            paid = message.amount_cents if decision.unclaimed_cents else paid
        elif decision.unclaimed_cents is not None:
            where = "disputed" if decision.effect is Effect.AMOUNT_DIFFERS else message.receipt or ""
            assert where not in self.tray
            self.tray[where] = decision.unclaimed_cents
        self.state = replace(state, status=decision.status, paid_cents=paid, claimed_cents=claimed, receipt=receipt)


def _callback(receipt: str, amount: int) -> Message:
    return Message(Source.CALLBACK, Outcome.PAID, amount, receipt)


# A receipt always names the same amount, because M-Pesa moved it once.
PAID_CALLBACKS = [_callback("UKM8RT2K1A", ASKED), _callback("UKM8RT2K1B", 14_900), _callback("UKM8RT2K1C", 16_000)]
OTHERS = [
    Message(Source.ACCEPTANCE, Outcome.ACCEPTED),
    Message(Source.ACCEPTANCE, Outcome.UNKNOWN),
    Message(Source.ACCEPTANCE, Outcome.REFUSED),
    Message(Source.CALLBACK, Outcome.FAILED, reason="cancelled"),
    Message(Source.CALLBACK, Outcome.FAILED, reason="unreachable"),
    Message(Source.CALLBACK, Outcome.UNKNOWN),
    Message(Source.QUERY, Outcome.PAID),
    Message(Source.QUERY, Outcome.FAILED, reason="unreachable"),
    Message(Source.QUERY, Outcome.PENDING),
    Message(Source.QUERY, Outcome.UNKNOWN),
    Message(Source.PERSON, Outcome.FAILED, reason="not_sent"),
]
AGES = st.integers(0, 200).map(lambda seconds: timedelta(seconds=seconds))
NEWS = st.lists(st.tuples(st.sampled_from(PAID_CALLBACKS + OTHERS), AGES), max_size=25)


@given(NEWS, LIMITS)
def test_a_success_stays_and_is_credited_once(news: list[tuple[Message, timedelta]], limit: int) -> None:
    told = Told(Policy(limit, GRACE))
    for message, age in news:
        told.hear(message, age)
    assert len(told.credited) <= 1
    if PaymentStatus.SUCCEEDED in told.history:
        first = told.history.index(PaymentStatus.SUCCEEDED)
        assert set(told.history[first:]) == {PaymentStatus.SUCCEEDED}
        assert len(told.credited) == 1


@given(NEWS, LIMITS)
def test_every_shilling_of_evidence_is_applied_or_unclaimed(news: list[tuple[Message, timedelta]], limit: int) -> None:
    told = Told(Policy(limit, GRACE))
    arrived: dict[str, int] = {}
    for message, age in news:
        told.hear(message, age)
        if message.receipt and message.amount_cents:
            arrived[message.receipt] = message.amount_cents
    # What a query credited has its receipt still to come, and a claim above the limit is not money yet.
    applied = told.state.paid_cents or 0
    awaiting_receipt = applied if told.credited and told.state.receipt is None else 0
    awaiting_word = 0
    if told.state.claimed_cents is not None and "disputed" not in told.tray:
        awaiting_word = told.state.claimed_cents
    assert sum(arrived.values()) + awaiting_receipt == applied - told.missing + sum(told.tray.values()) + awaiting_word
    assert told.excess == max(0, applied - ASKED)


@given(st.permutations([PAID_CALLBACKS[0], PAID_CALLBACKS[0], *OTHERS]), st.lists(AGES, min_size=13, max_size=13))
def test_every_order_ends_in_the_same_payment(messages: list[Message], ages: list[timedelta]) -> None:
    told = Told(Policy(1_000_000, GRACE))
    for message, age in zip(messages, ages, strict=True):
        told.hear(message, age)
    end = told.state
    assert (end.status, end.paid_cents, end.receipt) == (PaymentStatus.SUCCEEDED, ASKED, "UKM8RT2K1A")
    assert (told.tray, told.excess, told.missing) == ({}, 0, 0)


@given(st.permutations(range(6)), AGES)
def test_every_order_of_a_failure_ends_in_failure(order: list[int], age: timedelta) -> None:
    messages = [
        Message(Source.ACCEPTANCE, Outcome.ACCEPTED),
        Message(Source.CALLBACK, Outcome.FAILED, reason="cancelled"),
        Message(Source.CALLBACK, Outcome.FAILED, reason="cancelled"),
        Message(Source.QUERY, Outcome.PENDING),
        Message(Source.QUERY, Outcome.UNKNOWN),
        Message(Source.QUERY, Outcome.FAILED, reason="cancelled"),
    ]
    told = Told(Policy(1_000_000, GRACE))
    for place in order:
        told.hear(messages[place], age)
    assert told.state.status is PaymentStatus.FAILED
    assert not told.credited
