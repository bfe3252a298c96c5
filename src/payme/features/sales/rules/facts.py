"""A sale that a till made before the server heard of it: what is taken as it was, and what a person should look at.

Invariant: nothing here refuses. The goods are gone, and the receipt is in the customer's hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from payme.features.sales.rules.carts import Cart, Item, Paying

LARGEST_ROUNDING_CENTS = 1000


@dataclass(slots=True)
class AtTill:
    """A registered till that made a sale: when, whether the goods are gone, and the letters that its receipts begin with.

    `odd` collects the codes of what a person should look at.
    """

    occurred_at: datetime
    is_handed_over: bool
    odd: list[str] = field(default_factory=list[str])

    def note(self, code: str) -> None:
        """Note once what is odd."""
        if code not in self.odd:
            self.odd.append(code)


def as_printed(cart: Cart, tenders: Sequence[Paying], till: AtTill) -> Cart:
    """Return the cart with the total that was paid, where it differs by no more than a rounding to cash."""
    paid = sum(tender.amount_cents for tender in tenders)
    difference = paid - cart.total_cents
    if not difference or abs(difference) > LARGEST_ROUNDING_CENTS:
        return cart
    till.note("total_differs")
    return replace(cart, total_cents=paid, rounding_cents=cart.rounding_cents + difference)


def note_prices(items: Sequence[Item], till: AtTill) -> None:
    """Note prices that were not the catalogue's when the sale was made."""
    if any(item.unit_price_cents not in {None, item.catalogue_price_cents} for item in items):
        till.note("price_differs")
