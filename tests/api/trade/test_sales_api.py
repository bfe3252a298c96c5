"""Sales over HTTP: the contract's shape to the field, every declared refusal, and one effect for one key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.invariants import assert_invariants
from tests.stock_room import level, make_product, receive
from tests.trade import TradingShop, card, cash, stk
from tests.unchanged import unchanged

PROBLEM = {"type", "title", "status", "detail", "instance", "code", "request_id", "retryable", "errors"}
SALE = {
    "id", "receipt_number", "status", "lines", "total_cents", "vat_cents", "profit_cents", "paid_cents", "change_cents", "payments",
    "tokens", "created_at",
}  # fmt: skip
PRICE = 11_600


@pytest.fixture
async def tea(shop: TradingShop) -> UUID:
    product = await make_product(shop, name="Chai", price_cents=PRICE)
    await receive(shop, product, "10", 50_000)
    return product


def cart(product: Any, *tenders: dict[str, Any], quantity: str = "1", **more: Any) -> dict[str, Any]:
    return {"lines": [{"product_id": str(product), "quantity": quantity}], "tenders": list(tenders), **more}


@asynccontextmanager
async def refusing(shop: TradingShop, status: int, code: str) -> AsyncIterator[list[httpx2.Response]]:
    """Expect the one answer inside to be this problem, and nothing written."""
    answers: list[httpx2.Response] = []
    async with unchanged(shop):
        yield answers
    (answer,) = answers
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    problem = answer.json()
    assert set(problem) - {"facts"} == PROBLEM
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["status"], problem["type"]) == (status, f"/problems/{code}")
    assert problem["detail"]
    assert problem["request_id"]


async def test_a_cash_sale_answers_as_the_contract_says(owner: Counter, tea: UUID):
    sale_id = str(new_id())
    answer = await owner.post("sales", cart(tea, cash(34_800, received_cents=50_000), quantity="3", id=sale_id))
    assert answer.status_code == 201
    sale = answer.json()
    assert set(sale) >= SALE
    figures = {key: sale[key] for key in SALE - {"lines", "payments", "created_at"}}
    assert figures == {
        "id": sale_id, "receipt_number": "A1-000001", "status": "completed", "total_cents": 34_800, "vat_cents": 4_800,
        "profit_cents": 15_000, "paid_cents": 34_800, "change_cents": 15_200, "tokens": {"charged": 1, "balance": 29, "available": 29},
    }  # fmt: skip
    (line,) = sale["lines"]
    assert (line["product_id"], line["quantity"], line["cost_cents"], line["vat_cents"]) == (
        str(tea),
        "3",
        15_000,
        4_800,
    )
    (payment,) = sale["payments"]
    assert set(payment) >= {"id", "method", "status", "assurance", "amount_cents"}
    assert (payment["method"], payment["status"], payment["assurance"]) == ("cash", "succeeded", "counted")
    assert abs(datetime.fromisoformat(sale["created_at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    stored = (await owner.get(f"sales/{sale_id}")).json()
    assert stored == {**sale, "tokens": None}


async def test_a_sale_by_prompt_reserves_and_completes(owner: Counter, tea: UUID):
    answer = await owner.post("sales", cart(tea, stk(23_200), quantity="2"))
    assert answer.status_code == 201
    sale = answer.json()
    assert (sale["status"], sale["paid_cents"], sale["profit_cents"]) == ("awaiting_payment", 0, None)
    assert sale["tokens"] == {"reserved": 1, "balance": 30, "available": 29}
    assert (sale["payments"][0]["status"], sale["payments"][0]["assurance"]) == ("created", "none")
    assert "712345" not in answer.text
    await owner.shop.paid(UUID(sale["payments"][0]["id"]), 23_200, receipt=f"UKM{new_id().hex[-7:].upper()}")
    done = (await owner.get(f"sales/{sale['id']}")).json()
    assert (done["status"], done["paid_cents"], done["profit_cents"]) == ("completed", 23_200, 10_000)
    assert done["payments"][0]["mpesa_receipt_number"].startswith("UKM")


async def test_cost_and_profit_are_not_for_cashiers(cashier: Counter, owner: Counter, tea: UUID):
    made = (await cashier.post("sales", cart(tea, cash(PRICE)))).json()
    read = (await cashier.get(f"sales/{made['id']}")).json()
    for sale in (made, read):
        assert (sale["cost_cents"], sale["profit_cents"], sale["lines"][0]["cost_cents"]) == (None, None, None)
    assert (await owner.get(f"sales/{made['id']}")).json()["profit_cents"] == 5_000


async def test_sixty_four_equal_keys_at_once_are_one_sale(owner: Counter, tea: UUID):
    body, key = cart(tea, cash(PRICE)), str(new_id())
    answers = await asyncio.gather(*(owner.post("sales", body, key=key) for _ in range(64)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.content for each in answers}) == 1
    assert sum("idempotency-replayed" not in each.headers for each in answers) == 1
    assert await owner.shop.value("select count(*) from sales where business_id = $1") == 1
    assert (await level(owner.shop, tea))[0] == 9
    async with refusing(owner.shop, 422, "idempotency.key_reused") as answers:
        answers.append(await owner.post("sales", cart(tea, cash(2 * PRICE), quantity="2"), key=key))
    await assert_invariants(owner.shop.database, owner.shop.business_id)


async def test_without_a_key_nothing_is_sold(owner: Counter, tea: UUID):
    async with refusing(owner.shop, 400, "idempotency.key_required") as answers:
        answers.append(await owner.http.post("sales", json=cart(tea, cash(PRICE))))


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"tenders": [cash(PRICE - 1)]}, 422, "sales.tenders_differ"),
        ({"tenders": [cash(PRICE, received_cents=1)]}, 422, "sales.received_too_little"),
        ({"tenders": [stk(PRICE - 5_000), stk(5_000)]}, 422, "sales.one_prompt"),
        ({"tenders": [stk(PRICE - 50), cash(50)]}, 422, "payments.whole_shillings"),
        ({"tenders": [stk(PRICE, phone="12345")]}, 422, "payments.phone_invalid"),
        ({"discount_cents": PRICE + 1, "tenders": []}, 422, "sales.discount_too_large"),
        ({"till_id": str(new_id())}, 404, "sales.till_not_found"),
        ({"branch_id": str(new_id())}, 404, "sales.till_not_found"),
        ({"lines": [{"product_id": str(new_id()), "quantity": "1"}]}, 404, "catalog.product_not_found"),
    ],
)
async def test_refusals(owner: Counter, tea: UUID, change: dict[str, Any], status: int, code: str):
    async with refusing(owner.shop, status, code) as answers:
        answers.append(await owner.post("sales", {**cart(tea, cash(PRICE)), **change}))


async def test_refusals_to_a_cashier(cashier: Counter, tea: UUID):
    for body, status, code in (
        ({"discount_cents": 1_161, "tenders": [cash(PRICE - 1_161)]}, 403, "sales.discount_above_limit"),
        (
            {"lines": [{"product_id": str(tea), "quantity": "1", "unit_price_cents": 1}]},
            403,
            "sales.price_override_forbidden",
        ),
    ):
        async with refusing(cashier.shop, status, code) as answers:
            answers.append(await cashier.post("sales", {**cart(tea, cash(PRICE)), **body}))


async def test_stock_tokens_products_and_the_business_itself(owner: Counter, tea: UUID):
    shop = owner.shop
    async with refusing(shop, 409, "sales.stock_short") as answers:
        answers.append(await owner.post("sales", cart(tea, cash(11 * PRICE), quantity="11")))
    assert answers[0].json()["facts"]["products"] == [{"product_id": str(tea), "wanted": "11", "available": "10"}]
    old = await make_product(shop, price_cents=PRICE, active=False)
    async with refusing(shop, 409, "sales.product_inactive") as answers:
        answers.append(await owner.post("sales", cart(old, cash(PRICE))))
    sale_id = (await owner.post("sales", cart(tea, cash(PRICE), id=str(new_id())))).json()["id"]
    async with refusing(shop, 409, "sales.exists") as answers:
        answers.append(await owner.post("sales", cart(tea, cash(PRICE), id=sale_id)))
    await shop.set_tokens(0)
    for tender in (cash(PRICE), stk(PRICE)):
        async with refusing(shop, 402, "tokens.exhausted") as answers:
            answers.append(await owner.post("sales", cart(tea, tender)))
    await shop.run(
        lambda uow: uow.execute("update businesses set status = 'suspended' where business_id = $1", uow.tenant)
    )
    async with refusing(shop, 409, "sales.business_suspended") as answers:
        answers.append(await owner.post("sales", cart(tea, cash(PRICE))))


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"lines": []}, "/lines"),
        ({"lines": [{"product_id": str(new_id()), "quantity": "1"}] * 201}, "/lines"),
        ({"lines": [{"product_id": str(new_id()), "quantity": "0"}]}, "/lines/0/quantity"),
        ({"lines": [{"product_id": str(new_id()), "quantity": "0.0001"}]}, "/lines/0/quantity"),
        ({"lines": [{"product_id": "x", "quantity": "1"}]}, "/lines/0/product_id"),
        ({"discount_cents": -1}, "/discount_cents"),
        ({"id": "9d7d8c1e-8f0f-4c6e-9f7a-1f9a0e6b1a11"}, "/id"),
        ({"tenders": [{"method": "gold", "amount_cents": 1}]}, "/tenders/0"),
        ({"tenders": [cash(0)]}, "/tenders/0/cash/amount_cents"),
    ],
)
async def test_what_makes_no_sense_is_named_by_its_place(
    owner: Counter, tea: UUID, change: dict[str, Any], pointer: str
):
    async with unchanged(owner.shop):
        answer = await owner.post("sales", {**cart(tea, cash(PRICE)), **change})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert set(answer.json()) - {"facts"} == PROBLEM


async def test_cancel_and_pay(owner: Counter, tea: UUID):
    shop = owner.shop
    sale = (await owner.post("sales", cart(tea, cash(3_200), stk(20_000), quantity="2"))).json()
    sale_id, payment_id = sale["id"], UUID(sale["payments"][1]["id"])
    for path, body in (("cancel", None), ("payments", cash(100))):
        async with refusing(shop, 409, "sales.prompt_out") as answers:
            answers.append(await owner.post(f"sales/{sale_id}/{path}", body))
        assert answers[0].json()["retryable"] is True
    await shop.fails(payment_id)
    async with refusing(shop, 422, "sales.tenders_differ") as answers:
        answers.append(await owner.post(f"sales/{sale_id}/payments", cash(20_001)))
    part = await owner.post(f"sales/{sale_id}/payments", card(5_000, reference="A17"))
    assert (part.status_code, part.json()["status"], part.json()["paid_cents"]) == (201, "awaiting_payment", 8_200)
    key = str(new_id())
    cancelled = [await owner.post(f"sales/{sale_id}/cancel", key=key) for _ in range(2)]
    assert [each.status_code for each in cancelled] == [200, 200]
    assert cancelled[0].content == cancelled[1].content
    assert cancelled[0].json()["tokens"] == {"released": 1, "balance": 30, "available": 30}
    assert [each["settlement"] for each in cancelled[0].json()["payments"]] == ["returned", None, "returned"]
    for path, body in (("cancel", None), ("payments", cash(100))):
        async with refusing(shop, 409, "sales.not_open") as answers:
            answers.append(await owner.post(f"sales/{sale_id}/{path}", body))
    for path, body in (("cancel", None), ("payments", cash(100))):
        async with refusing(shop, 404, "sales.not_found") as answers:
            answers.append(await owner.post(f"sales/{new_id()}/{path}", body))
    answer = await owner.get(f"sales/{new_id()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "sales.not_found")


async def test_another_tender_completes(owner: Counter, tea: UUID):
    sale = (await owner.post("sales", cart(tea, stk(PRICE)))).json()
    await owner.shop.fails(UUID(sale["payments"][0]["id"]))
    done = await owner.post(f"sales/{sale['id']}/payments", cash(PRICE, received_cents=20_000))
    assert done.status_code == 201
    assert (done.json()["status"], done.json()["change_cents"]) == ("completed", 8_400)
    assert done.json()["tokens"] == {"charged": 1, "balance": 29, "available": 29}
    assert (await owner.get(f"sales/{sale['id']}")).json() == {**done.json(), "tokens": None}


async def test_pages_the_newest_first(owner: Counter, tea: UUID):
    made = [(await owner.post("sales", cart(tea, cash(PRICE)))).json()["id"] for _ in range(5)]
    waiting = (await owner.post("sales", cart(tea, stk(PRICE)))).json()["id"]
    expected, seen, query = [waiting, *reversed(made)], [], {"limit": 4}
    while True:
        answer = await owner.get("sales", **query)
        page = answer.json()
        seen += [row["id"] for row in page["data"]]
        if not page["has_more"]:
            break
        assert 'rel="next"' in answer.headers["link"]
        query["cursor"] = page["next_cursor"]
    assert (seen, page["next_cursor"]) == (expected, None)
    only = (await owner.get("sales", status="awaiting_payment")).json()["data"]
    assert [row["id"] for row in only] == [waiting]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (await owner.get("sales", since=later)).json()["data"] == []
    for query in ({"since": "2026-11-22T08:00:00"}, {"status": "lost"}, {"limit": 201}):
        assert (await owner.get("sales", **query)).status_code == 422
    assert (await owner.get("sales", cursor="nonsense")).status_code in {400, 422}


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_an_instant_beyond_the_calendar_is_refused(owner: Counter, instant: str):
    answer = await owner.get("sales", since=instant)
    assert (answer.status_code, answer.json()["code"]) == (422, "http.invalid")
