"""The stock room over HTTP."""

from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from payme.kit.ids import new_id
from payme.runtime.database import Database
from tests.api.stock.conftest import ClientFor
from tests.people import Shop, hire, make_shop


async def post(client: httpx2.AsyncClient, path: str, key: str | None = None, **body: Any) -> httpx2.Response:
    return await client.post(f"stock/{path}", json=body, headers={"idempotency-key": key or str(new_id())})


async def make_product(client: httpx2.AsyncClient, **facts: Any) -> str:
    made = await client.post("products", json={"name": "Chai", "price_cents": 5_000, **facts})
    return made.json()["id"]


async def test_goods_come_in_once_for_a_key(client: httpx2.AsyncClient):
    tea = await make_product(client)
    receipt = {"product_id": tea, "quantity": "24", "total_cost_cents": 129_600}
    first = await post(client, "receipts", "k-1", **receipt)
    again = await post(client, "receipts", "k-1", **receipt)
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (201, 201, "true")
    assert first.content == again.content
    assert (first.json()["on_hand"], first.json()["cost_cents"], first.json()["kind"]) == ("24", 129_600, "purchase")
    assert (await post(client, "receipts", "k-1", **{**receipt, "quantity": "25"})).status_code == 422
    assert (await client.post("stock/receipts", json=receipt)).json()["code"] == "idempotency.key_required"
    stock = await client.get("stock")
    assert stock.json()["data"] == [
        {"product_id": tea, "on_hand": "24", "reserved": "0", "available": "24", "value_cents": 129_600}
    ]
    assert (await client.get("stock", headers={"if-none-match": stock.headers["etag"]})).status_code == 304


async def test_corrections_and_losses_show_in_the_movements(client: httpx2.AsyncClient):
    tea = await make_product(client, reorder_point="10")
    await post(client, "receipts", product_id=tea, quantity="12", total_cost_cents=1_200)
    adjusted = await post(client, "adjustments", product_id=tea, quantity_delta="-2", reason="Counted")
    spoiled = await post(client, "spoilage", product_id=tea, quantity="1.5", type="damage", note="Fell")
    assert (adjusted.json()["on_hand"], spoiled.json()["on_hand"]) == ("10", "8.5")
    first = (await client.get("stock/movements", params={"limit": 2})).json()
    rest = (await client.get("stock/movements", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [(each["kind"], each["quantity"], each["cost_cents"]) for each in [*first["data"], *rest["data"]]] == [
        ("spoilage", "-1.5", -150), ("adjustment", "-2", -200), ("purchase", "12", 1_200),
    ]  # fmt: skip
    only = (await client.get("stock/movements", params={"kind": "spoilage", "product_id": tea})).json()["data"]
    assert [(each["reason"], each["spoilage_type"]) for each in only] == [("Fell", "damage")]
    [alert] = (await client.get("stock/alerts")).json()["data"]
    assert (alert["kind"], alert["suggested_quantity"], alert["available"]) == ("reorder", "2", "8.5")
    assert len((await client.get("stock", params={"below_reorder": "true"})).json()["data"]) == 1
    assert (await client.get("stock/valuation")).json()["value_cents"] == 850


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("receipts", {"quantity": "0", "total_cost_cents": 1}, 422, "http.invalid"),
        ("receipts", {"quantity": "1.2345", "total_cost_cents": 1}, 422, "http.invalid"),
        ("receipts", {"quantity": "1", "total_cost_cents": -1}, 422, "http.invalid"),
        ("receipts", {"quantity": "1", "total_cost_cents": 1, "received_at": "2999-01-01T00:00:00Z"}, 422, "inventory.received_in_future"),
        ("receipts", {"quantity": "1", "total_cost_cents": 1, "received_at": "0001-01-01T00:00:00+14:00"}, 422, "http.invalid"),
        ("receipts", {"quantity": "1e999999999", "total_cost_cents": 1}, 422, "http.invalid"),
        ("adjustments", {"quantity_delta": "-1e999999999", "reason": "x"}, 422, "http.invalid"),
        ("adjustments", {"quantity_delta": "0", "reason": "x"}, 422, "http.invalid"),
        ("adjustments", {"quantity_delta": "-1", "reason": "x"}, 409, "inventory.stock_short"),
        ("adjustments", {"quantity_delta": "-1", "reason": " "}, 422, "http.invalid"),
        ("spoilage", {"quantity": "1", "type": "damage"}, 409, "inventory.stock_short"),
        ("spoilage", {"quantity": "1", "type": "gone"}, 422, "http.invalid"),
    ],
)  # fmt: skip
async def test_refusals_move_nothing(
    client: httpx2.AsyncClient, path: str, body: dict[str, Any], status: int, code: str
):
    tea = await make_product(client)
    answer = await post(client, path, product_id=tea, **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await client.get("stock/movements")).json()["data"] == []


async def test_more_than_a_level_can_hold_is_refused(client: httpx2.AsyncClient):
    tea = await make_product(client)
    await post(client, "receipts", product_id=tea, quantity="0.001", total_cost_cents=100_000_000_000_000)
    dear = await post(client, "adjustments", product_id=tea, quantity_delta="99999998", reason="x")
    assert (dear.status_code, dear.json()["code"]) == (422, "inventory.too_much")
    full = await post(client, "receipts", product_id=tea, quantity="99999998", total_cost_cents=1)
    assert (full.status_code, full.json()["on_hand"]) == (201, "99999998.001")
    over = await post(client, "receipts", product_id=tea, quantity="1", total_cost_cents=1)
    assert (over.status_code, over.json()["code"]) == (422, "inventory.too_much")
    assert len((await client.get("stock/movements")).json()["data"]) == 2


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("query", ["stock/movements?since=", "stock/movements?until=", "stock/valuation?at="])
async def test_an_instant_beyond_the_calendar_is_refused(client: httpx2.AsyncClient, query: str, instant: str):
    answer = await client.get(query + quote(instant))
    assert (answer.status_code, answer.json()["code"]) == (422, "http.invalid")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("receipts", {"quantity": "1", "total_cost_cents": 1}),
        ("adjustments", {"quantity_delta": "1", "reason": "x"}),
        ("spoilage", {"quantity": "1", "type": "damage"}),
    ],
)
async def test_a_service_has_no_stock(client: httpx2.AsyncClient, path: str, body: dict[str, Any]):
    service = await make_product(client, track_stock=False)
    answer = await post(client, path, product_id=service, **body)
    assert (answer.status_code, answer.json()["code"]) == (409, "inventory.not_tracked")
    assert (await client.get("stock")).json()["data"] == []


async def test_roles_decide_who_moves_stock(client_for: ClientFor, client: httpx2.AsyncClient, shop: Shop):
    tea = await make_product(client)
    await post(client, "receipts", product_id=tea, quantity="3", total_cost_cents=300_000)
    cashier = client_for(shop, await hire(shop, "cashier"))
    assert (await cashier.get("stock")).json()["data"][0]["value_cents"] is None
    assert (await cashier.get("stock/valuation")).status_code == 403
    for path, body in (
        ("receipts", {"quantity": "1", "total_cost_cents": 1}),
        ("adjustments", {"quantity_delta": "1", "reason": "x"}),
        ("spoilage", {"quantity": "1", "type": "damage"}),
    ):
        assert (await post(cashier, path, product_id=tea, **body)).status_code == 403
    assert len((await client.get("stock/movements")).json()["data"]) == 1


async def test_another_business_is_not_there(
    client_for: ClientFor, client: httpx2.AsyncClient, shop: Shop, database: Database
):
    tea = await make_product(client)
    other = await make_shop(database)
    foreign = client_for(other, other.owner)
    for path, body in (
        ("receipts", {"quantity": "1", "total_cost_cents": 1}),
        ("adjustments", {"quantity_delta": "1", "reason": "x"}),
        ("spoilage", {"quantity": "1", "type": "damage"}),
    ):
        assert (await post(foreign, path, product_id=tea, **body)).status_code == 404
        assert (await post(client_for(shop, other.owner), path, product_id=tea, **body)).status_code == 404
    assert (await foreign.get("stock")).json()["data"] == []
    assert (await client.get("stock")).json()["data"][0]["on_hand"] == "0"
    assert (await client.get("stock/movements")).json()["data"] == []
