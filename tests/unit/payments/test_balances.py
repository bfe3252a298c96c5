"""What the balances in notices give away."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from payme.features.payments.rules.balances import BalancePoint, Jump, jumps, missing_cents

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def point(minute: int, amount_cents: int, balance_cents: int) -> BalancePoint:
    return BalancePoint(NOON + timedelta(minutes=minute), amount_cents, balance_cents)


CHAIN = [point(0, 100, 1_100), point(1, 200, 1_300), point(2, 50, 1_350), point(2, 70, 1_420)]


@pytest.mark.parametrize("seed", range(5))
def test_notices_of_every_payment_leave_no_gap_in_whatever_order_they_come(seed: int):
    shuffled = random.Random(seed).sample(CHAIN, k=len(CHAIN))
    assert jumps(shuffled) == []


def test_a_notice_that_was_lost_shows_as_a_jump_of_its_amount():
    assert jumps([CHAIN[0], CHAIN[2]]) == [Jump(CHAIN[0].paid_at, CHAIN[2].paid_at, 200)]


def test_money_that_left_is_no_jump():
    assert jumps([CHAIN[0], point(1, 200, 500), point(2, 50, 550)]) == []


def test_the_first_balance_says_nothing_of_what_was_before():
    assert jumps([CHAIN[3]]) == []
    assert jumps([]) == []


@pytest.mark.parametrize(("known", "missing"), [(0, 300), (200, 100), (300, 0), (900, 0)])
def test_what_came_by_other_ways_explains_a_jump(known: int, missing: int):
    found = [Jump(NOON, NOON, 200), Jump(NOON, NOON, 100)]
    assert missing_cents(found, known) == missing
