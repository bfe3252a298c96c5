"""Writes `web/vectors/money.json`: carts with what the rules of sales answer, for the till's own arithmetic to be held against.

The carts are edges, and random ones of a fixed seed. Invariant: the answers come from `price_cart` and `change_due`, nowhere else.
"""

import json
import random
from decimal import Decimal
from uuid import UUID

from payme.features.sales.enums import TenderMethod
from payme.features.sales.errors import DiscountTooLarge
from payme.features.sales.rules.carts import Item, Paying, Policy, change_due, price_cart
from payme.kit.money import BASIS_POINTS

SEED = 20261122
CASES = 400
STEPS = (0, 50, 100, 500, 1000)
RATES = (0, 800, 1600)
METHODS = tuple(
    method
    for method in TenderMethod
    if method in {"cash", "mpesa_stk", "mpesa_claim", "credit", "card_recorded", "credit_note"}
)
_PRODUCT = UUID(int=0)
_EDGES: list[tuple[list[tuple[int, str, int, int]], int, int]] = [
    # price, quantity, discount, rate of each line; the cart's discount; the rounding step
    ([(15_000, "2", 0, 0)], 0, 0),
    ([(1, "0.001", 0, 1600)], 0, 0),
    ([(50, "0.5", 0, 1600), (50, "0.5", 0, 800)], 1, 0),
    ([(1, "0.5", 0, 1600)], 0, 0),
    ([(25, "1", 0, 0)], 0, 50),
    ([(250, "1", 0, 0)], 0, 500),
    ([(249, "1", 0, 1600)], 0, 500),
    ([(0, "1", 0, 1600), (0, "3", 0, 0)], 0, 100),
    ([(100, "1", 100, 1600), (100, "1", 0, 1600)], 100, 0),
    ([(100, "1", 101, 1600)], 0, 0),
    ([(100, "1", 0, 1600)], 101, 0),
    ([(333, "1", 0, 1600)] * 3, 100, 0),
    ([(1_000_000_000_000, "1000", 0, 1600)], 1, 1000),
    ([(999_999_999_999, "999.999", 7, 800), (1, "0.001", 0, 1600)], 12_345, 0),
]


def render() -> str:
    """Return the whole file."""
    chosen = random.Random(SEED)  # noqa: S311 -- seeded and guards nothing
    carts = [*_EDGES, *(_random_cart(chosen) for _ in range(CASES))]
    cases = [_case(*cart, method=METHODS[number % (len(METHODS) + 1) - 1]) for number, cart in enumerate(carts)]
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    return f'{{"source":"tools/money_vectors.py","carts":[\n{lines}\n]}}\n'


def _random_cart(chosen: random.Random) -> tuple[list[tuple[int, str, int, int]], int, int]:
    items: list[tuple[int, str, int, int]] = []
    for _ in range(chosen.randint(1, 8)):
        price = chosen.choice((chosen.randint(0, 300), chosen.randint(0, 500_000), chosen.randint(1, 100) * 500))
        thousandths = chosen.choice((1000, 2000, 500, 250, chosen.randint(1, 20_000)))
        discount = chosen.choice((0, 0, 0, chosen.randint(0, price // 4 + 1)))
        items.append((price, str(Decimal(thousandths) / 1000), discount, chosen.choice(RATES)))
    return items, chosen.choice((0, 0, chosen.randint(0, 2_000))), chosen.choice(STEPS)


def _case(
    items: list[tuple[int, str, int, int]], cart_discount_cents: int, step_cents: int, *, method: TenderMethod
) -> dict[str, object]:
    cart_items = [
        Item(
            product_id=_PRODUCT,
            name="",
            quantity=Decimal(quantity),
            unit_price_cents=None,
            discount_cents=discount,
            catalogue_price_cents=price,
            vat_class="B",
            rate_basis_points=rate,
            track_stock=False,
        )
        for price, quantity, discount, rate in items
    ]
    policy = Policy(
        cash_rounding_cents=step_cents,
        discount_limit_basis_points=BASIS_POINTS,
        may_override_price=False,
        is_discount_approved=True,
    )
    case: dict[str, object] = {
        "items": items,
        "discount_cents": cart_discount_cents,
        "step_cents": step_cents,
        "method": method.value,
    }
    try:
        cart = price_cart(cart_items, [Paying(method, 0)], policy=policy, cart_discount_cents=cart_discount_cents)
    except DiscountTooLarge as refusal:
        return {**case, "refused": refusal.code}
    received = -(-cart.total_cents // 5_000) * 5_000
    return {
        **case,
        "lines": [[line.discount_cents, line.total_cents, line.vat_cents] for line in cart.lines],
        "gross_cents": cart.gross_cents,
        "discounts_cents": cart.discount_cents,
        "rounding_cents": cart.rounding_cents,
        "total_cents": cart.total_cents,
        "vat_cents": cart.vat_cents,
        "received_cents": received,
        "change_cents": change_due([Paying(method, cart.total_cents, received)]),
    }
