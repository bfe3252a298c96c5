"""What becomes of a command, and what is odd about when it was done."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from payme.features.sync.rules.verdicts import fingerprint, hash_of_range, is_rejected, measure_skew, odd_about_time

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MILLISECONDS = int(NOW.timestamp()) * 1000
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("told", "skew"),
    [
        (None, timedelta(0)),
        (MILLISECONDS - 1_500, timedelta(0)),
        (MILLISECONDS + 1_500, timedelta(0)),
        (MILLISECONDS - HOUR, timedelta(hours=1)),
        (MILLISECONDS + 48 * HOUR, timedelta(days=-2)),
        (0, timedelta(0)),
    ],
)
def test_a_clock_is_measured_but_for_the_way_and_for_nonsense(told: int | None, skew: timedelta):
    assert measure_skew(told, NOW) == skew


@pytest.mark.parametrize(
    ("age", "skew", "odd"),
    [
        (timedelta(0), timedelta(0), []),
        (timedelta(hours=47), timedelta(0), []),
        (timedelta(hours=49), timedelta(0), ["occurred_long_ago"]),
        (-timedelta(minutes=4), timedelta(0), []),
        (-timedelta(minutes=6), timedelta(0), ["occurred_ahead"]),
        (timedelta(hours=1), timedelta(hours=1), ["clock_differs"]),
        (timedelta(days=3), timedelta(days=3), ["clock_differs", "occurred_long_ago"]),
        (-timedelta(days=2), -timedelta(days=2), ["clock_differs", "occurred_ahead"]),
        (timedelta(hours=1), timedelta(hours=2), ["clock_differs", "occurred_ahead"]),
        (timedelta(hours=24), -timedelta(hours=25), ["clock_differs", "occurred_long_ago"]),
    ],
)
def test_what_is_odd_about_a_moment(age: timedelta, skew: timedelta, odd: list[str]):
    occurred_at = NOW - age
    assert odd_about_time(occurred_at, occurred_at + skew, NOW) == odd


def test_only_what_is_no_fact_is_rejected():
    assert is_rejected("sales.stock_short", handed_over=False)
    assert not is_rejected("sales.stock_short", handed_over=True)
    assert is_rejected("sales.exists", handed_over=True)


def test_a_fingerprint_knows_all_but_the_pin():
    sent = {"id": "1", "args": {"quantity": "2", "approver": {"user_id": "7", "pin": "1234"}}}
    other_pin = {"args": {"approver": {"pin": "9999", "user_id": "7"}, "quantity": "2"}, "id": "1"}
    other_person = {"id": "1", "args": {"quantity": "2", "approver": {"user_id": "8", "pin": "1234"}}}
    other_quantity = {"id": "1", "args": {"quantity": "3", "approver": {"user_id": "7", "pin": "1234"}}}
    assert fingerprint(sent) == fingerprint(other_pin)
    assert len({fingerprint(each) for each in (sent, other_person, other_quantity)}) == 3
    assert sent["args"]["approver"]["pin"] == "1234"  # type: ignore[index]  # what came is not changed


def test_a_range_is_hashed_in_its_order():
    first, second = UUID(int=1), UUID(int=2)
    assert hash_of_range([(2, second), (1, first)]) == hash_of_range([(1, first), (2, second)])
    assert hash_of_range([(1, second), (2, first)]) != hash_of_range([(1, first), (2, second)])
    # SHA-256 of "1:00000000-0000-0000-0000-000000000001"
    assert len(hash_of_range([(1, first)])) == 64
