"""Discounts and write-offs above the limit over HTTP: refused with the names of who could agree, done with a PIN at the till."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from payme.features.identity import Role
from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.people import Person
from tests.staff import PIN, hire
from tests.stock_room import level, make_product, receive
from tests.trade import TradingShop, cash
from tests.unchanged import unchanged

PRICE = 10_000
MakeCounter = Callable[[TradingShop, Person], Counter]


@pytest.fixture
async def tea(shop: TradingShop) -> UUID:
    product = await make_product(shop, name="Chai", price_cents=PRICE)
    await receive(shop, product, "10", 3_000_000)
    return product


def discounted(tea: UUID) -> tuple[str, dict[str, Any]]:
    lines = [{"product_id": str(tea), "quantity": "1", "discount_cents": 1_001}]
    return "sales", {"lines": lines, "tenders": [cash(PRICE - 1_001)]}


def adjusted(tea: UUID) -> tuple[str, dict[str, Any]]:
    return "stock/adjustments", {"product_id": str(tea), "quantity_delta": "-1", "reason": "Counted"}


def spoiled(tea: UUID) -> tuple[str, dict[str, Any]]:
    return "stock/spoilage", {"product_id": str(tea), "quantity": "1", "type": "damage"}


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (discounted, "sales.discount_above_limit"),
        (adjusted, "inventory.approval_needed"),
        (spoiled, "inventory.approval_needed"),
    ],
)
async def test_a_second_person_agrees_by_pin(
    shop: TradingShop, counter_for: MakeCounter, tea: UUID, make: Callable[..., Any], code: str
):
    asking, agreeing = await hire(shop, Role.MANAGER), await hire(shop, Role.MANAGER, "Achieng")
    cashier = await hire(shop, Role.CASHIER)
    till = counter_for(shop, asking.person)
    path, body = make(tea)
    async with unchanged(shop):
        alone = await till.post(path, body)
        assert (alone.status_code, alone.json()["code"]) == (403, code), alone.text
        named = {each["display_name"] for each in alone.json()["facts"]["approvers"]}
        assert "Achieng" in named
        assert "approver" in alone.json()["detail"]
        for who, pin, status, expected in (
            (agreeing.id, "000000", 403, "auth.proof_wrong"),
            (asking.id, PIN, 403, "approvals.own_request"),
            (cashier.id, PIN, 403, "approvals.may_not_approve"),
            (new_id(), PIN, 404, "members.not_found"),
        ):
            answer = await till.post(path, {**body, "approver": {"user_id": str(who), "pin": pin}})
            assert (answer.status_code, answer.json()["code"]) == (status, expected), answer.text
    key = str(new_id())
    vouched = {**body, "approver": {"user_id": str(agreeing.id), "pin": PIN}}
    first, again = [await till.post(path, vouched, key=key) for _ in range(2)]
    assert (first.status_code, again.content) == (201, first.content), first.text
    assert PIN not in first.text
    assert (await level(shop, tea))[0] == 9
