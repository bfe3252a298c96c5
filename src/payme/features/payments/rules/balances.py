"""What the balances in Safaricom's notices give away: between two of them more came in than anybody told of.

Each notice tells the short code's balance after its payment, so what stood before it is known too. Where more stood before a
notice than after the one before, money came that had no notice. Money that left in between hides as much: the sum is a lower bound.
"""

from collections.abc import Iterable
from datetime import datetime

from payme.kit.values import value


@value
class BalancePoint:
    """One payment as its notice told it: cents, and the balance after it."""

    paid_at: datetime
    amount_cents: int
    balance_cents: int


@value
class Jump:
    """More than was told came between two instants, in cents."""

    after: datetime
    until: datetime
    cents: int


def jumps(points: Iterable[BalancePoint]) -> list[Jump]:
    """Return where a balance grew by more than the notices tell of, oldest first; of one second, the lower balance came first."""
    found: list[Jump] = []
    before: BalancePoint | None = None
    for each in sorted(points, key=lambda point: (point.paid_at, point.balance_cents)):
        stood = each.balance_cents - each.amount_cents
        if before is not None and stood > before.balance_cents:
            found.append(Jump(before.paid_at, each.paid_at, stood - before.balance_cents))
        before = each
    return found


def missing_cents(found: Iterable[Jump], known_cents: int) -> int:
    """Return how much of the jumps is explained by nothing; `known_cents` came by other ways than a notice."""
    return max(0, sum(each.cents for each in found) - known_cents)
