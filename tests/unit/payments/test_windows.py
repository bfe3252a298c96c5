"""Which stretch of time is pulled, and what is covered afterwards."""

from datetime import UTC, datetime, timedelta

import pytest

from payme.features.payments.rules.windows import Window, extended, is_overdue, next_window

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DAY = 24 * HOUR


def test_the_first_window_goes_back_as_far_as_safaricom_keeps_it():
    assert next_window(None, NOON) == Window(NOON - 47 * HOUR, NOON)


@pytest.mark.parametrize(("ended", "starts"), [(HOUR, 4 * HOUR), (44 * HOUR, 47 * HOUR), (60 * HOUR, 47 * HOUR)])
def test_a_later_window_overlaps_what_is_covered(ended: timedelta, starts: timedelta):
    covered = Window(NOON - 100 * HOUR, NOON - ended)
    assert next_window(covered, NOON) == Window(NOON - starts, NOON)


def test_what_is_covered_grows_and_ends_a_little_before_now():
    covered = extended(None, Window(NOON - 47 * HOUR, NOON))
    assert covered == Window(NOON - 47 * HOUR, NOON - 5 * MINUTE)
    assert extended(covered, Window(NOON - 3 * HOUR, NOON + HOUR)) == Window(NOON - 47 * HOUR, NOON + HOUR - 5 * MINUTE)
    assert extended(covered, Window(NOON - 9 * HOUR, NOON - 2 * HOUR)) == covered


def test_after_a_gap_what_is_covered_begins_anew():
    covered = Window(NOON - 100 * HOUR, NOON - 60 * HOUR)
    assert extended(covered, Window(NOON - 47 * HOUR, NOON)) == Window(NOON - 47 * HOUR, NOON - 5 * MINUTE)


@pytest.mark.parametrize(
    ("asked", "overdue"),
    [
        (30 * HOUR, True),
        (24 * HOUR, True),
        (24 * HOUR - MINUTE, False),
        (40 * HOUR - 5 * MINUTE, True),
        (40 * HOUR, False),
    ],
)
def test_a_prompt_is_overdue_when_all_its_patience_is_covered(asked: timedelta, overdue: bool):
    assert is_overdue(NOON - asked, Window(NOON - 40 * HOUR, NOON), patience=DAY) is overdue
