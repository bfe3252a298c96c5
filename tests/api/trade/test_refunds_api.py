"""Refunds and voids over HTTP: at once, after a second person, with one at the till; one effect for one key, nothing on a refusal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx2
import pytest

from payme.features.identity import Role
from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.invariants import assert_invariants
from tests.people import Person
from tests.staff import PIN, Member, hire
from tests.stock_room import level, make_product, receive
from tests.trade import TradingShop, cash, stk
from tests.unchanged import unchanged

PRICE = 60_000
REFUND = {
    "id", "sale_id", "kind", "method", "state", "amount_cents", "debt_cents", "shift_id", "rounding_cents", "vat_cents", "cost_cents", "reason", "lines",
    "sale_status", "requested_by", "approval_id", "approved_by", "end_reason", "credit_note_number", "created_at", "ended_at", "currency", "rev",
}  # fmt: skip
MakeCounter = Callable[[TradingShop, Person], Counter]


@pytest.fixture
async def tea(shop: TradingShop) -> UUID:
    product = await make_product(shop, name="Chai", price_cents=PRICE)
    await receive(shop, product, "10", 400_000)
    return product


async def sold(shop: TradingShop, tea: UUID, quantity: int = 3) -> dict[str, Any]:
    sale = await shop.sell((tea, quantity), tenders=[cash(quantity * PRICE)])
    return sale.model_dump(mode="json")


def back(sale: dict[str, Any], quantity: str = "1", **more: Any) -> dict[str, Any]:
    return {"lines": [{"sale_line_id": sale["lines"][0]["id"], "quantity": quantity}], "reason": "Torn", **more}


def vouched(member: Member, pin: str = PIN) -> dict[str, Any]:
    return {"approver": {"user_id": str(member.id), "pin": pin}}


@asynccontextmanager
async def refusing(shop: TradingShop, status: int, code: str) -> AsyncIterator[list[httpx2.Response]]:
    """Expect the one answer inside to be this problem, and nothing written."""
    answers: list[httpx2.Response] = []
    async with unchanged(shop):
        yield answers
    (answer,) = answers
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_refund_answers_all_there_is_to_know(owner: Counter, tea: UUID):
    sale = await sold(owner.shop, tea)
    refund_id = str(new_id())
    line = {"sale_line_id": sale["lines"][0]["id"], "quantity": "1", "restock": False}
    body = {"id": refund_id, "lines": [line], "method": "cash", "reason": "Torn"}
    answer = await owner.post(f"sales/{sale['id']}/refunds", body)
    assert answer.status_code == 201, answer.text
    refund = answer.json()
    assert set(refund) == REFUND
    assert (refund["id"], refund["state"], refund["amount_cents"]) == (refund_id, "completed", PRICE)
    assert (refund["cost_cents"], refund["lines"][0]["restock"], refund["lines"][0]["quantity"]) == (
        40_000,
        "spoilage",
        "1",
    )
    listed = await owner.get(f"sales/{sale['id']}/refunds")
    assert (listed.status_code, listed.json()) == (200, [refund])
    assert (await owner.get(f"sales/{sale['id']}")).json()["status"] == "partly_refunded"
    await assert_invariants(owner.shop.database, owner.shop.business_id)


async def test_one_key_is_one_refund_however_often_it_is_sent(owner: Counter, tea: UUID):
    sale, key = await sold(owner.shop, tea), str(new_id())
    path = f"sales/{sale['id']}/refunds"
    answers = await asyncio.gather(*(owner.post(path, back(sale), key=key) for _ in range(16)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.content for each in answers}) == 1
    assert len((await owner.get(path)).json()) == 1
    async with refusing(owner.shop, 422, "idempotency.key_reused") as said:
        said.append(await owner.post(path, back(sale, "2"), key=key))
    async with refusing(owner.shop, 400, "idempotency.key_required") as said:
        said.append(await owner.http.post(path, json=back(sale)))


async def test_costs_are_not_for_cashiers(cashier: Counter, tea: UUID):
    sale = await sold(cashier.shop, tea)
    refund = (await cashier.post(f"sales/{sale['id']}/refunds", back(sale))).json()
    (listed,) = (await cashier.get(f"sales/{sale['id']}/refunds")).json()
    for each in (refund, listed):
        assert (each["cost_cents"], each["lines"][0]["cost_cents"]) == (None, None)


async def test_above_the_limit_it_is_accepted_for_later(owner: Counter, cashier: Counter, tea: UUID):
    shop = owner.shop
    sale, key = await sold(shop, tea), str(new_id())
    answer, again = [await cashier.post(f"sales/{sale['id']}/refunds", back(sale, "2"), key=key) for _ in range(2)]
    assert (answer.status_code, answer.json()["state"]) == (202, "awaiting_approval")
    assert (again.status_code, again.content, again.headers["idempotency-replayed"]) == (202, answer.content, "true")
    approval_id = answer.json()["approval_id"]
    shown = (await owner.get(f"approvals/{approval_id}")).json()
    assert (shown["kind"], shown["subject_id"], shown["amount_cents"]) == ("refund", answer.json()["id"], 2 * PRICE)
    manager = await hire(shop, Role.MANAGER)
    agreed = await owner.post(f"approvals/{approval_id}/approve", {"proof": "maji-ya-chai-2026"})
    assert agreed.status_code == 200, agreed.text
    await shop.hear()
    (refund,) = (await owner.get(f"sales/{sale['id']}/refunds")).json()
    assert (refund["state"], refund["approved_by"]) == ("completed", agreed.json()["decided_by"])
    assert refund["approved_by"] != str(manager.id)


async def test_by_mpesa_it_is_accepted_for_later(owner: Counter, tea: UUID):
    made = await owner.shop.sell(tea, tenders=[stk(PRICE)])
    await owner.shop.paid(made.payments[0].id, PRICE)
    sale = made.model_dump(mode="json")
    answer = await owner.post(f"sales/{sale['id']}/refunds", back(sale, method="mpesa"))
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    for body, status, code in (
        (back(sale, method="mpesa"), 409, "sales.refund_too_much"),
        (back(sale, method="credit_note"), 409, "sales.refund_too_much"),
        (back(sale, method="gold"), 422, "http.invalid"),
        (back(sale, quantity="0"), 422, "http.invalid"),
        ({**back(sale), "reason": "  "}, 422, "http.invalid"),
        ({**back(sale), "lines": []}, 422, "http.invalid"),
    ):
        async with refusing(owner.shop, status, code) as said:
            said.append(await owner.post(f"sales/{sale['id']}/refunds", body))


async def test_an_approver_at_the_till_gives_a_pin(shop: TradingShop, counter_for: MakeCounter, tea: UUID):
    cashier, manager = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER, "Achieng")
    till = counter_for(shop, cashier.person)
    sale = await sold(shop, tea, 4)
    path, key = f"sales/{sale['id']}/refunds", str(new_id())
    for who, pin, status, code in (
        (manager, "000000", 403, "auth.proof_wrong"),
        (manager, "482", 422, "http.invalid"),
        (cashier, PIN, 403, "approvals.own_request"),
        (await hire(shop, Role.AUDITOR), PIN, 403, "approvals.may_not_approve"),
    ):
        async with refusing(shop, status, code) as said:
            said.append(await till.post(path, back(sale, "2", **vouched(who, pin))))
        if code.startswith("approvals"):
            assert "Achieng" in {each["display_name"] for each in said[0].json()["facts"]["approvers"]}
    stranger = {"approver": {"user_id": str(new_id()), "pin": PIN}}
    async with refusing(shop, 404, "members.not_found") as said:
        said.append(await till.post(path, back(sale, "2", **stranger)))
    answers = [await till.post(path, back(sale, "2", **vouched(manager)), key=key) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert (answers[0].json()["approved_by"], answers[0].json()["approval_id"]) == (str(manager.id), None)
    assert "482916" not in answers[0].text


async def test_guessed_pins_close_the_gate_at_the_till(shop: TradingShop, counter_for: MakeCounter, tea: UUID):
    cashier, manager = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER)
    till, sale = counter_for(shop, cashier.person), await sold(shop, tea)
    async with unchanged(shop):
        for _ in range(5):
            answer = await till.post(f"sales/{sale['id']}/refunds", back(sale, "2", **vouched(manager, "000000")))
            assert answer.status_code == 403
        answer = await till.post(f"sales/{sale['id']}/refunds", back(sale, "2", **vouched(manager)))
    assert (answer.status_code, answer.json()["code"]) == (429, "auth.too_many_failures")


async def test_a_void_is_for_those_who_may(owner: Counter, cashier: Counter, tea: UUID):
    shop = owner.shop
    sale = await sold(shop, tea, 1)
    path, body = f"sales/{sale['id']}/void", {"reason": "Mistake"}
    async with refusing(shop, 403, "auth.permission_missing") as said:
        said.append(await cashier.post(path, body))
    answer = await owner.post(path, body)
    assert (answer.status_code, answer.json()["kind"], answer.json()["sale_status"]) == (201, "void", "voided")
    assert await level(shop, tea) == (10, 0, 400_000)
    for word, again, code in (("void", body, "sales.not_voidable"), ("refunds", back(sale), "sales.not_refundable")):
        async with refusing(shop, 409, code) as said:
            said.append(await owner.post(f"sales/{sale['id']}/{word}", again))
    large = await sold(shop, tea, 2)
    answer = await owner.post(f"sales/{large['id']}/void", {"reason": "Mistake"})
    assert (answer.status_code, answer.json()["state"], answer.json()["sale_status"]) == (
        202,
        "awaiting_approval",
        "completed",
    )
    manager = await hire(shop, Role.MANAGER)
    third = await sold(shop, tea, 2)
    answer = await owner.post(f"sales/{third['id']}/void", {"reason": "Mistake", **vouched(manager)})
    assert (answer.status_code, answer.json()["approved_by"]) == (201, str(manager.id))
    await assert_invariants(shop.database, shop.business_id)


async def test_what_is_not_there_is_not_found(owner: Counter, tea: UUID):
    sale = await sold(owner.shop, tea)
    for path, body in (("refunds", back(sale)), ("void", {"reason": "Mistake"})):
        async with refusing(owner.shop, 404, "sales.not_found") as said:
            said.append(await owner.post(f"sales/{new_id()}/{path}", body))
    assert (await owner.get(f"sales/{new_id()}/refunds")).json()["code"] == "sales.not_found"
    other = back({"lines": [{"id": str(new_id())}]})
    async with refusing(owner.shop, 404, "sales.line_not_found") as said:
        said.append(await owner.post(f"sales/{sale['id']}/refunds", other))
