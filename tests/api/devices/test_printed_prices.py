"""A printed price is held against the price of its moment, whatever the catalogue asks today."""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from payme.features.catalog import ChangeProduct, change_product
from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.invariants import assert_invariants
from tests.stock_room import make_product, receive
from tests.tills import Device
from tests.trade import TradingShop

pytestmark = pytest.mark.asyncio(loop_scope="session")
OLD, NEW = 10_000, 12_000


@pytest_asyncio.fixture(loop_scope="session")
async def sugar(shop: TradingShop) -> Any:
    """A product that has cost what it costs since an hour ago, and another price from yesterday until then."""
    product = await make_product(shop, price_cents=NEW)
    await receive(shop, product, "20", 100_000)
    for price, hours in ((OLD, 24), (NEW, 1)):
        await shop.rows(
            """insert into product_prices (business_id, product_id, since, price_cents)
            values ($1, $2, now() - make_interval(hours => $3), $4) returning 1""",
            product, hours, price,
        )  # fmt: skip
    return product


def sold(till: Device, product: Any, price_cents: int, *, minutes: int, **more: Any) -> dict[str, Any]:
    """Return a sale of one at a printed price, so many minutes ago."""
    line = {"product_id": str(product), "quantity": "1", "unit_price_cents": price_cents}
    at = (till.now - timedelta(minutes=minutes)).isoformat()
    return till.sale(total_cents=price_cents, args={"lines": [line]}, occurred_at=at, **more)


async def test_the_price_of_its_moment_is_no_review(till: Device, shop: TradingShop, sugar: Any) -> None:
    old, new = await till.results(sold(till, sugar, OLD, minutes=90), sold(till, sugar, NEW, minutes=30))
    assert (old["status"], old["reasons"]) == ("applied", [])
    assert (new["status"], new["reasons"]) == ("applied", [])
    totals = "select total_cents from sales where business_id = $1 order by total_cents"
    assert await shop.rows(totals) == [(OLD,), (NEW,)]
    await assert_invariants(shop.database, shop.business_id)


async def test_another_price_than_that_of_its_moment_is_looked_at(till: Device, shop: TradingShop, sugar: Any) -> None:
    early, late = await till.results(sold(till, sugar, NEW, minutes=90), sold(till, sugar, OLD, minutes=30))
    assert (early["status"], early["reasons"]) == ("needs_review", ["price_differs"])
    assert (late["status"], late["reasons"]) == ("needs_review", ["price_differs"])
    assert late["result"]["total_cents"] == OLD


async def test_a_request_is_held_against_todays_price(till: Device, shop: TradingShop, sugar: Any) -> None:
    (verdict,) = await till.results(sold(till, sugar, OLD, minutes=90, handed_over=False))
    assert verdict["error"]["code"] == "sales.price_override_forbidden"
    assert await shop.value("select count(*) from sales where business_id = $1") == 0


async def test_before_its_first_price_a_product_costs_what_it_costs_now(
    till: Device, shop: TradingShop, sugar: Any
) -> None:
    (verdict,) = await till.results(sold(till, sugar, NEW, minutes=60 * 30))
    assert (verdict["status"], verdict["reasons"]) == ("applied", [])


async def test_the_history_has_a_row_for_each_price_and_none_for_other_changes(
    shop: TradingShop, owner: Counter
) -> None:
    product = new_id()
    made = await owner.http.post(
        "products", json={"id": str(product), "name": "Tea", "price_cents": 500, "vat_class": "A"}
    )
    assert made.status_code == 201, made.text
    for change in ({"name": "Black tea"}, {"price_cents": 500}, {"price_cents": 600}, {"price_cents": 550}):
        await shop.run(
            lambda uow, change=change: change_product(uow, product, command=ChangeProduct.model_validate(change))
        )
    history = "select price_cents from product_prices where business_id = $1 and product_id = $2 order by since"
    assert await shop.rows(history, product) == [(500,), (600,), (550,)]
