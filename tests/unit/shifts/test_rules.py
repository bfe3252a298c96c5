"""What of a difference may be booked without a second person."""

import pytest

from payme.features.shifts.rules import Count, needs_approval, to_book


@pytest.mark.parametrize(
    ("counted", "difference", "asks"),
    [(11_000, 0, False), (11_200, 200, False), (11_201, 201, True), (10_800, -200, False), (10_799, -201, True)],
)
def test_two_per_cent_of_the_takings_are_forgiven(counted: int, difference: int, asks: bool):
    count = Count(float_cents=1_000, expected_cents=11_000, counted_cents=counted)
    assert (count.difference_cents, needs_approval(count, 200)) == (difference, asks)


def test_a_shift_that_gave_out_more_than_it_took_is_forgiven_as_much():
    count = Count(float_cents=11_000, expected_cents=1_000, counted_cents=1_200)
    assert (needs_approval(count, 200), needs_approval(count, 199)) == (False, True)


@pytest.mark.parametrize(
    ("difference", "posted", "stands", "booked"),
    [(50, 0, True, 50), (50, 50, True, 0), (20, 50, True, -30), (-80, 50, False, -50), (-80, 0, False, 0)],
)
def test_the_books_hold_a_difference_that_stands_and_nothing_of_another(
    difference: int, posted: int, stands: bool, booked: int
):
    assert to_book(difference, posted_cents=posted, may_stand=stands) == booked
