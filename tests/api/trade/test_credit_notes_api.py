"""Credit notes over HTTP: the number is in the answer that issued them, they are found by it, and they pay."""

from typing import Any
from uuid import UUID

import httpx2
import pytest

from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.invariants import assert_invariants
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, cash
from tests.unchanged import unchanged

PRICE = 20_000
NOTE = {
    "id", "number", "branch_id", "sale_id", "refund_id", "amount_cents", "balance_cents", "issued_by", "issued_at", "currency", "rev",
}  # fmt: skip


@pytest.fixture
async def tea(shop: TradingShop) -> UUID:
    product = await make_product(shop, name="Chai", price_cents=PRICE)
    await receive(shop, product, "10", 400_000)
    return product


async def give_back(counter: Counter, tea: UUID, *, key: str | None = None) -> httpx2.Response:
    sale = await counter.shop.sell((tea, 2), tenders=[cash(2 * PRICE)])
    lines = [{"sale_line_id": str(sale.lines[0].id), "quantity": "2"}]
    body = {"lines": lines, "method": "credit_note", "reason": "Wrong size"}
    path = f"sales/{sale.id}/refunds"
    answer = await counter.post(path, body, key=key)
    if key is not None:
        assert (await counter.post(path, body, key=key)).content == answer.content
    return answer


def cart(tea: UUID, *tenders: dict[str, Any]) -> dict[str, Any]:
    return {"lines": [{"product_id": str(tea), "quantity": "1"}], "tenders": list(tenders)}


async def test_a_note_is_issued_found_and_spent(cashier: Counter, tea: UUID):
    answer = await give_back(cashier, tea, key=str(new_id()))
    assert answer.status_code == 201, answer.text
    number = answer.json()["credit_note_number"]
    assert number == "CN-A1-000001"
    listed = (await cashier.get("credit-notes")).json()["data"]
    assert [(set(each), each["number"]) for each in listed] == [(NOTE, number)]
    for key in (number, number.lower(), listed[0]["id"]):
        read = await cashier.get(f"credit-notes/{key}")
        assert (read.status_code, read.json()) == (200, {**listed[0], "movements": []})
    tender = {"method": "credit_note", "amount_cents": PRICE, "number": f" {number.lower()} "}
    sold = await cashier.post("sales", cart(tea, tender))
    assert (sold.status_code, sold.json()["status"]) == (201, "completed"), sold.text
    after = (await cashier.get(f"credit-notes/{number}")).json()
    assert (after["balance_cents"], [each["kind"] for each in after["movements"]]) == (PRICE, ["spent"])
    assert (await cashier.post("sales", cart(tea, tender))).status_code == 201
    assert (await cashier.get("credit-notes", only_open=True)).json()["data"] == []
    assert len((await cashier.get("credit-notes", limit=1)).json()["data"]) == 1
    async with unchanged(cashier.shop):
        empty = await cashier.post("sales", cart(tea, tender))
    assert (empty.status_code, empty.json()["code"], empty.json()["facts"]["balance_cents"]) == (
        409,
        "sales.credit_note_short",
        0,
    )
    await assert_invariants(cashier.shop.database, cashier.shop.business_id)


async def test_what_is_not_there_is_not_found(cashier: Counter, other_shop: TradingShop, tea: UUID):
    number = (await give_back(cashier, tea)).json()["credit_note_number"]
    theirs = await make_product(other_shop, name="Chai", price_cents=PRICE)
    await receive(other_shop, theirs, "10", 400_000)
    sale = await other_shop.sell(theirs, tenders=[cash(PRICE)])
    await other_shop.refund(sale, method="credit_note")
    (foreign,) = await other_shop.credit_notes()
    for key in (str(foreign.id), str(new_id()), "CN-A1-000009"):
        answer = await cashier.get(f"credit-notes/{key}")
        assert (answer.status_code, answer.json()["code"]) == (404, "sales.credit_note_not_found")
    async with unchanged(cashier.shop):
        for body, status in (
            (cart(tea, {"method": "credit_note", "amount_cents": PRICE, "number": "CN-A1-000009"}), 404),
            (cart(tea, {"method": "credit_note", "amount_cents": 0, "number": number}), 422),
            (cart(tea, {"method": "credit_note", "amount_cents": PRICE}), 422),
        ):
            assert (await cashier.post("sales", body)).status_code == status
