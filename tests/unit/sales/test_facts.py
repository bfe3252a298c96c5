"""What a till has printed stands, as far as a rounding goes; what is odd is noted once."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from payme.features.sales.enums import TenderMethod
from payme.features.sales.rules.carts import Cart, Item, Paying
from payme.features.sales.rules.facts import AtTill, as_printed, note_prices
from payme.kit.ids import new_id

CART = Cart((), 10_050, 0, 0, 10_050, 0)


def at_till() -> AtTill:
    return AtTill(datetime(2026, 11, 22, tzinfo=UTC), is_handed_over=True)


@pytest.mark.parametrize(
    ("paid", "rounding", "odd"), [(10_050, 0, []), (10_000, -50, ["total_differs"]), (11_050, 1_000, ["total_differs"])]
)
def test_a_total_is_as_it_was_paid(paid: int, rounding: int, odd: list[str]):
    till = at_till()
    cart = as_printed(CART, [Paying(TenderMethod.CASH, paid)], till)
    assert (cart.total_cents, cart.rounding_cents, till.odd) == (paid, rounding, odd)


@pytest.mark.parametrize("paid", [9_049, 11_051])
def test_more_than_a_rounding_is_no_total(paid: int):
    till = at_till()
    assert as_printed(CART, [Paying(TenderMethod.CASH, paid)], till) == CART
    assert till.odd == []


@pytest.mark.parametrize(("price", "odd"), [(None, []), (500, []), (499, ["price_differs"])])
def test_another_price_is_noted(price: int | None, odd: list[str]):
    till = at_till()
    item = Item(new_id(), "Chai", Decimal(1), price, 0, 500, "A", 0, track_stock=True)
    note_prices([item, replace(item, unit_price_cents=price)], till)
    note_prices([item], till)
    assert till.odd == odd
