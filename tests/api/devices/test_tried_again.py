"""A fact that could not be applied is tried again by whoever looks at it: applied once, or waiting as before."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.invariants import assert_invariants
from tests.tills import Device
from tests.trade import TradingShop

pytestmark = pytest.mark.asyncio(loop_scope="session")
PRICE = 5_000


async def unknown_goods(till: Device) -> tuple[UUID, dict[str, Any]]:
    """Return a product that is not there, and the verdict on its sale."""
    product = new_id()
    (verdict,) = await till.results(till.sale((product, 1), total_cents=PRICE))
    assert (verdict["status"], verdict["reasons"]) == ("needs_review", ["not_applied:catalog.product_not_found"])
    return product, verdict


async def again(owner: Counter, verdict: dict[str, Any]) -> Any:
    wish = {"note": "The product is back", "try_again": True}
    return await owner.http.post(f"sync/reviews/{verdict['id']}/settle", json=wish)


async def add(owner: Counter, product: UUID) -> None:
    wanted = {"id": str(product), "name": "Soap", "price_cents": PRICE, "vat_class": "A", "track_stock": False}
    made = await owner.http.post("products", json=wanted)
    assert made.status_code == 201, made.text


async def sales_of(shop: TradingShop) -> int:
    return int(await shop.value("select count(*) from sales where business_id = $1"))


async def test_what_can_be_applied_now_is_applied_once(till: Device, shop: TradingShop, owner: Counter) -> None:
    product, verdict = await unknown_goods(till)
    await add(owner, product)
    answers = await asyncio.gather(*(again(owner, verdict) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]
    assert {each.json()["code"] for each in answers if each.status_code == 409} == {"sync.applied_already"}
    (applied,) = (each.json() for each in answers if each.status_code == 200)
    assert (applied["status"], applied["reasons"], applied["error"]) == ("applied", [], None)
    assert applied["result"]["total_cents"] == PRICE
    assert await sales_of(shop) == 1
    stored = "select status, error from sync_commands where business_id = $1 and id = $2"
    assert await shop.rows(stored, UUID(verdict["id"])) == [("applied", None)]
    await assert_invariants(shop.database, shop.business_id)


async def test_what_still_cannot_be_applied_goes_on_waiting(till: Device, shop: TradingShop, owner: Counter) -> None:
    _, verdict = await unknown_goods(till)
    answer = await again(owner, verdict)
    assert answer.status_code == 200, answer.text
    assert answer.json()["reasons"] == ["not_applied:catalog.product_not_found"]
    assert await sales_of(shop) == 0
    noted = await owner.http.post(f"sync/reviews/{verdict['id']}/settle", json={"note": "Given up"})
    assert noted.json()["settled_note"] == "Given up"
    refused = await again(owner, verdict)
    assert (refused.status_code, refused.json()["code"]) == (409, "sync.nothing_to_settle")
    assert await sales_of(shop) == 0
