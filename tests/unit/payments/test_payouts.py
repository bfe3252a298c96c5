"""Where a payout goes: every state, all news."""

import pytest

from payme.features.payments.rules.payouts import ENDED, News, PayoutState, asks_original, is_within, next_state

S = PayoutState
MOVES = {
    (S.SENDING, News.ACCEPTED): S.PENDING, (S.UNKNOWN, News.ACCEPTED): S.PENDING,
    (S.SENDING, News.REFUSED): S.FAILED, (S.SENDING, News.NOT_SENT): S.APPROVED,
    (S.SENDING, News.DOUBT): S.UNKNOWN, (S.PENDING, News.DOUBT): S.UNKNOWN,
    (S.SENDING, News.PAID): S.SUCCEEDED, (S.PENDING, News.PAID): S.SUCCEEDED, (S.UNKNOWN, News.PAID): S.SUCCEEDED,
    (S.FAILED, News.PAID): S.SUCCEEDED,
    (S.SENDING, News.DENIED): S.FAILED, (S.PENDING, News.DENIED): S.FAILED, (S.UNKNOWN, News.DENIED): S.FAILED,
}  # fmt: skip


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("news", News)
def test_every_state_hears_all_news(state: PayoutState, news: News):
    assert next_state(state, news) is MOVES.get((state, news), state)


def test_money_that_left_has_left():
    assert all(next_state(S.SUCCEEDED, news) is S.SUCCEEDED for news in News)
    assert {S.REJECTED, S.SUCCEEDED, S.FAILED} == ENDED


@pytest.mark.parametrize(
    ("amount", "paid", "within"),
    [(100, 400, True), (101, 0, False), (100, 401, False), (1, 500, False), (100, 0, True)],
)
def test_both_limits_are_kept(amount: int, paid: int, within: bool):
    assert is_within(amount, limit_cents=100, day_limit_cents=500, paid_today_cents=paid) is within


@pytest.mark.parametrize(
    ("kind", "conversation_id", "turns"),
    [
        ("reversal", None, [True, True, True]), ("reversal", "AG_1", [True, False, True]),
        ("b2c", None, [False, False, False]), ("b2pochi", "AG_1", [False, False, False]),
    ],
)  # fmt: skip
def test_of_a_reversal_the_payment_is_asked_about(kind: str, conversation_id: str | None, turns: list[bool]):
    assert [asks_original(kind, conversation_id, questions=number) for number in range(3)] == turns
