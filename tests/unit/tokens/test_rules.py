"""What tokens cost, what less money buys, and when to warn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from payme.features.tokens.rules import bought_with, price_of, warning_for
from payme.features.tokens.schemas import BuyTokens

PACKAGES = {30: 5_000, 70: 10_000, 150: 20_000, 400: 50_000, 850: 100_000}


@pytest.mark.parametrize(
    ("quantity", "cents"), [(30, 5_000), (850, 100_000), (1, 200), (31, 6_200), (100_000, 20_000_000)]
)
def test_a_package_has_its_price_and_anything_else_two_shillings_a_token(quantity: int, cents: int):
    assert price_of(quantity, PACKAGES) == cents


@pytest.mark.parametrize(
    ("available", "warning"),
    [(-1, "exhausted"), (0, "exhausted"), (1, "very_low"), (9, "very_low"), (10, "low"), (29, "low"), (30, None)],
)
def test_warnings(available: int, warning: str | None):
    assert warning_for(available) == warning


def test_less_money_buys_fewer_tokens():
    assert [bought_with(paid, quantity=150, price_cents=20_000) for paid in (20_000, 30_000, 10_000, 100, 0)] == [
        150,
        150,
        75,
        0,
        0,
    ]


@given(st.integers(1, 100_000), st.integers(1, 20_000_000), st.integers(0, 30_000_000))
def test_nobody_gets_a_token_that_was_not_paid_for(quantity: int, price_cents: int, paid_cents: int):
    bought = bought_with(paid_cents, quantity=quantity, price_cents=price_cents)
    assert 0 <= bought <= quantity
    assert bought * price_cents <= quantity * paid_cents
    assert bought == quantity or (bought + 1) * price_cents > quantity * paid_cents


@pytest.mark.parametrize("given_", [{}, {"package": 30, "quantity": 30}, {"package": 0}, {"quantity": 100_001}])
def test_either_a_package_or_a_quantity(given_: dict[str, int]):
    with pytest.raises(ValidationError):
        BuyTokens.model_validate({"phone": "0712345600", **given_})
