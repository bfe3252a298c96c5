"""What a device's clock is worth, and where its checkpoint leads."""

from datetime import UTC, datetime

import pytest

from payme.features.sync.errors import ResyncRequired
from payme.features.sync.rules.checkpoints import Standing, begin_at
from payme.features.sync.rules.clocks import Stamp, is_later, milliseconds_of, read_stamp
from payme.kit.ids import new_id
from payme.kit.synced import FIRST, LAST, Place

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
MILLISECONDS = 1_795_334_400_000
FIVE_MINUTES = 300_000


def test_a_clock_counts_for_five_minutes_ahead_at_most():
    assert milliseconds_of(NOW) == MILLISECONDS
    for ahead, counted in (
        (0, 0),
        (FIVE_MINUTES, FIVE_MINUTES),
        (FIVE_MINUTES + 1, FIVE_MINUTES),
        (10**12, FIVE_MINUTES),
    ):
        read = read_stamp(f"{MILLISECONDS + ahead}-7-till", now=NOW)
        assert read == Stamp(MILLISECONDS + counted, 7, "till")
    assert read_stamp("1-0-a", now=NOW) == Stamp(1, 0, "a")


@pytest.mark.parametrize("text", [None, "", "1-2", "x-0-a", "1-x-a", "1-0-", "-1-0-a", "1-0-a b", "9" * 16 + "-0-a"])
def test_what_is_no_clock_counts_as_none(text: str | None):
    assert read_stamp(text, now=NOW) is None


def test_later_is_by_time_then_counter_then_device():
    ordered = [Stamp(1, 9, "z"), Stamp(2, 0, "b"), Stamp(2, 1, "a"), Stamp(2, 1, "b")]
    for place, stamp in enumerate(ordered):
        assert [is_later(other, stamp) for other in ordered] == [number > place for number in range(4)]
        assert (is_later(stamp, None), is_later(None, stamp)) == (True, False)
    assert str(read_stamp("2-1-till-7", now=NOW)) == "2-1-till-7"


BRANCH, SEEN = new_id(), new_id()


@pytest.mark.parametrize(
    ("asked", "epoch", "expected"),
    [
        (Place(0, FIRST), 1, Place(0, FIRST)),
        (Place(50, SEEN), 1, Place(50, SEEN)),
        (Place(50, SEEN, BRANCH, 7), 2, Place(50, SEEN, BRANCH, 7)),
        (Place(100, SEEN), 1, Place(100, SEEN)),
        (Place(101, SEEN, BRANCH, 7), 1, Place(100, LAST, BRANCH, 7)),
        (Place(150, SEEN), 2, Place(150, SEEN)),
        (Place(201, SEEN), 2, Place(200, LAST)),
        (Place(201, SEEN), 3, Place(201, SEEN)),
        (Place(300, SEEN), 3, Place(300, SEEN)),
        (Place(999, SEEN), None, Place(0, FIRST)),
    ],
)
def test_a_checkpoint_leads_to_its_place_or_to_the_fork(asked: Place, epoch: int | None, expected: Place):
    assert begin_at(asked, epoch, standing=Standing(3, 300, {2: 100, 3: 200})) == expected


@pytest.mark.parametrize(("asked", "epoch"), [(Place(301, SEEN), 3), (Place(1, SEEN), 4)])
def test_a_checkpoint_that_was_never_given_out_is_refused(asked: Place, epoch: int):
    with pytest.raises(ResyncRequired):
        begin_at(asked, epoch, standing=Standing(3, 300, {2: 100, 3: 200}))
