"""What a drawer should hold, and what of a difference may be booked without a second person. No database, no clock."""

from typing import Final
from uuid import UUID

from payme.kit.money import BASIS_POINTS
from payme.kit.values import value

VARIANCE: Final = "shift.variance"
DRAWER_IN: Final = "drawer.in"
DRAWER_OUT: Final = "drawer.out"


@value
class Cash:
    """A posting of cash in a drawer: kind and cause as the ledger has them, cents above zero where it comes in."""

    kind: str
    cause: UUID
    amount_cents: int
    reason: str = ""


@value
class Count:
    """A closed drawer, in cents: what lay there first, what should lie there, what was counted."""

    float_cents: int
    expected_cents: int
    counted_cents: int

    @property
    def difference_cents(self) -> int:
        """What is over; below zero where it is missing."""
        return self.counted_cents - self.expected_cents


def needs_approval(count: Count, threshold_basis_points: int) -> bool:
    """Say whether a difference is more than the threshold forgives of what the shift took in or gave out."""
    takings = abs(count.expected_cents - count.float_cents)
    return abs(count.difference_cents) * BASIS_POINTS > takings * threshold_basis_points


def to_book(difference_cents: int, *, posted_cents: int, may_stand: bool) -> int:
    """Return what has to be booked so that the books hold a difference that may stand, and nothing of one that may not."""
    return (difference_cents if may_stand else 0) - posted_cents
