"""What tokens cost and when to warn. No database, no clock."""

from collections.abc import Mapping
from typing import Final, Literal

CENTS_PER_TOKEN: Final = 200
LOW: Final = 30
VERY_LOW: Final = 10
LARGEST_PURCHASE: Final = 100_000

Urgency = Literal["low", "very_low", "exhausted"]


def price_of(quantity: int, packages: Mapping[int, int]) -> int:
    """Return the price of a quantity in cents: a package's own, else KES 2 a token."""
    return packages.get(quantity, quantity * CENTS_PER_TOKEN)


def bought_with(paid_cents: int, *, quantity: int, price_cents: int) -> int:
    """Return how many tokens were paid for: all of them at the price, fewer when less came, never more."""
    return min(quantity, quantity * paid_cents // price_cents)


def bought_by_hand(paid_cents: int, packages: Mapping[int, int]) -> int:
    """Return how many tokens an amount buys that nobody was asked for: the largest packages first, the rest at KES 2 each."""
    quantity, left = 0, paid_cents
    for size, price_cents in sorted(packages.items(), reverse=True):
        times, left = divmod(left, price_cents)
        quantity += times * size
    return quantity + left // CENTS_PER_TOKEN


def warning_for(available: int) -> Urgency | None:
    """Return how urgently the owner should top up."""
    if available <= 0:
        return "exhausted"
    if available < VERY_LOW:
        return "very_low"
    return "low" if available < LOW else None
