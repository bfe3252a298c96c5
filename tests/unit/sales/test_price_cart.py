"""What a cart costs, to the cent."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.features.sales.enums import TenderMethod
from payme.features.sales.errors import DiscountAboveLimit, DiscountTooLarge, PriceOverrideForbidden
from payme.features.sales.rules.carts import Cart, Item, Paying, Policy, price_cart, profit_cents
from payme.kit.ids import new_id

CASH, CARD, STK = (
    Paying(method, 1) for method in (TenderMethod.CASH, TenderMethod.CARD_RECORDED, TenderMethod.MPESA_STK)
)
RATES = {"A": 0, "B": 1_600, "C": 0, "D": 0, "E": 800}
PRODUCT = new_id()


def item(price: int = 10_000, quantity: str = "1", *, vat: str = "C", **facts: Any) -> Item:
    known = {"unit_price_cents": None, "discount_cents": 0, "track_stock": True, **facts}
    return Item(
        product_id=PRODUCT, name="Chai", quantity=Decimal(quantity), catalogue_price_cents=price, vat_class=vat,
        rate_basis_points=RATES[vat], **known,
    )  # fmt: skip


def policy(**facts: Any) -> Policy:
    return Policy(
        **{
            "cash_rounding_cents": 0, "discount_limit_basis_points": 1_000, "may_override_price": False,
            "is_discount_approved": False, **facts,
        }
    )  # fmt: skip


BOLD = policy(may_override_price=True, is_discount_approved=True)


def price(*items: Item, tender: Paying = CARD, allowed: Policy = BOLD, discount: int = 0) -> Cart:
    return price_cart(items, [tender], policy=allowed, cart_discount_cents=discount)


def test_a_line_is_price_times_quantity_half_up():
    cart = price(item(333, "1.5"), item(101, "0.005"))
    assert [line.total_cents for line in cart.lines] == [500, 1]


def test_a_line_discount_comes_off_its_line():
    cart = price(item(discount_cents=700), item())
    assert [(line.discount_cents, line.total_cents) for line in cart.lines] == [(700, 9_300), (0, 10_000)]
    assert (cart.gross_cents, cart.discount_cents, cart.total_cents) == (20_000, 700, 19_300)


def test_a_cart_discount_is_allocated_to_lines_by_what_they_cost_after_their_own():
    cart = price(item(30_000), item(20_000, discount_cents=10_000), item(0), discount=100)
    assert [line.discount_cents for line in cart.lines] == [75, 10_025, 0]
    assert (cart.discount_cents, cart.total_cents) == (10_100, 39_900)


def test_spare_cents_of_a_discount_go_somewhere():
    cart = price(item(100), item(100), item(100), discount=100)
    assert sorted(line.discount_cents for line in cart.lines) == [33, 33, 34]


@pytest.mark.parametrize(
    ("vat", "of_116", "of_108"), [("A", 0, 0), ("B", 1_600, 1_490), ("C", 0, 0), ("D", 0, 0), ("E", 859, 800)]
)
def test_vat_is_inside_the_price_by_class(vat: str, of_116: int, of_108: int):
    assert [line.vat_cents for line in price(item(11_600, vat=vat), item(10_800, vat=vat)).lines] == [of_116, of_108]


def test_vat_is_taken_after_discounts_and_half_up():
    assert price(item(11_600, vat="B", discount_cents=5_800)).vat_cents == 800
    # The exact figures are 4, 0.55…, 2 and 0.51…
    cart = price(item(29, vat="B"), item(4, vat="B"), item(27, vat="E"), item(7, vat="E"))
    assert [line.vat_cents for line in cart.lines] == [4, 1, 2, 1]
    assert price(item(3, vat="B")).vat_cents == 0


def test_vat_of_a_sale_is_the_sum_of_its_lines_and_not_of_its_total():
    cart = price(*[item(4, vat="B") for _ in range(10)])
    assert (cart.total_cents, cart.vat_cents) == (40, 10)


@pytest.mark.parametrize(
    ("step", "subtotal", "total"),
    [
        (0, 1_234, 1_234),
        (50, 1_224, 1_200), (50, 1_225, 1_250), (50, 1_250, 1_250), (50, 1_274, 1_250), (50, 1_275, 1_300),
        (100, 1_249, 1_200), (100, 1_250, 1_300),
        (500, 1_249, 1_000), (500, 1_250, 1_500),
        (1_000, 1_499, 1_000), (1_000, 1_500, 2_000), (1_000, 499, 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("tender", [CASH, STK])
def test_cash_and_prompts_are_rounded(step: int, subtotal: int, total: int, tender: Paying):
    cart = price(item(subtotal), tender=tender, allowed=policy(cash_rounding_cents=step))
    assert (cart.total_cents, cart.rounding_cents) == (total, total - subtotal)
    assert sum(line.total_cents for line in cart.lines) == subtotal


def test_a_card_pays_to_the_cent_and_a_part_in_cash_rounds_the_whole():
    five = policy(cash_rounding_cents=500)
    assert price(item(1_234), allowed=five).total_cents == 1_234
    assert price_cart([item(1_234)], [CARD, CASH], policy=five).total_cents == 1_000


def test_nothing_tendered_is_nothing_to_pay_only_where_it_rounds_to_nothing():
    assert price_cart([item(0)], [], policy=policy()).total_cents == 0
    assert price_cart([item(300)], [], policy=policy(cash_rounding_cents=1_000)).total_cents == 0
    assert price_cart([item(300)], [], policy=policy()).total_cents == 300


def test_a_price_of_ones_own():
    with pytest.raises(PriceOverrideForbidden) as caught:
        price(item(unit_price_cents=9_999), allowed=policy())
    assert caught.value.facts == {"product_id": PRODUCT}
    assert price(item(unit_price_cents=10_000), allowed=policy()).total_cents == 10_000
    assert price(item(unit_price_cents=0), allowed=policy(may_override_price=True)).lines[0].unit_price_cents == 0


def test_no_discount_is_larger_than_what_it_comes_off():
    for work in (
        lambda: price(item(discount_cents=10_001), item()),
        lambda: price(item(discount_cents=1), discount=10_000),
    ):
        with pytest.raises(DiscountTooLarge):
            work()
    assert price(item(discount_cents=4_000), discount=6_000).total_cents == 0


def test_the_limit_counts_all_discounts_against_the_gross():
    assert price(item(discount_cents=600), item(), discount=1_400, allowed=policy()).discount_cents == 2_000
    with pytest.raises(DiscountAboveLimit) as caught:
        price(item(discount_cents=600), item(), discount=1_401, allowed=policy())
    assert caught.value.facts == {"limit_basis_points": 1_000}
    assert price(item(0), allowed=policy(discount_limit_basis_points=0)).total_cents == 0
    with pytest.raises(DiscountAboveLimit):
        price(item(), discount=1, allowed=policy(discount_limit_basis_points=0))


def test_profit_is_net_of_vat_and_cost():
    assert profit_cents(net_of_rounding_cents=11_600, vat_cents=1_600, cost_cents=9_000) == 1_000
    assert profit_cents(net_of_rounding_cents=0, vat_cents=0, cost_cents=9_000) == -9_000


lines = st.builds(
    lambda price, thousandths, share, vat: item(
        price, str(Decimal(thousandths).scaleb(-3)), vat=vat,
        discount_cents=int(Fraction(price * thousandths, 1000)) * share // 100,
    ),
    st.integers(0, 10_000_000), st.integers(1, 100_000), st.integers(0, 100), st.sampled_from("ABCDE"),
)  # fmt: skip


@given(st.lists(lines, min_size=1, max_size=200), st.integers(0, 100), st.sampled_from([0, 50, 100, 500, 1_000]))
def test_the_laws_of_a_cart(items: list[Item], share: int, step: int):
    nets = price(*items)
    discount = nets.total_cents * share // 100
    cart = price(
        *items, tender=CASH, discount=discount, allowed=policy(cash_rounding_cents=step, is_discount_approved=True)
    )
    assert cart.total_cents == sum(line.total_cents for line in cart.lines) + cart.rounding_cents
    assert cart.gross_cents - cart.discount_cents + cart.rounding_cents == cart.total_cents
    assert cart.discount_cents == sum(line.discount_cents for line in cart.lines)
    assert cart.discount_cents == discount + sum(each.discount_cents for each in items)
    assert cart.vat_cents == sum(line.vat_cents for line in cart.lines)
    assert step == 0 or cart.total_cents % step == 0
    assert 2 * abs(cart.rounding_cents) <= step
    for line, kept in zip(cart.lines, nets.lines, strict=True):
        assert 0 <= line.total_cents <= kept.total_cents
        exact = Fraction(line.total_cents * line.rate_basis_points, 10_000 + line.rate_basis_points)
        assert abs(exact - line.vat_cents) <= Fraction(1, 2)
