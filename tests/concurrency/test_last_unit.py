"""The last unit of many products, each wanted by eight tills at once, for cash and by prompt, over two API processes.

What is sold without a network is not tried here.
"""

import asyncio
import itertools
from uuid import UUID

import httpx2
import pytest

from payme.features.businesses.schemas import CreateTill
from payme.features.businesses.services import create_till
from payme.features.payments import ConfigureMethod, configure_method
from payme.kit.ids import new_id
from tests.fault_rows import FULL, FaultRow
from tests.faults.selling import PRICE_CENTS
from tests.invariants import assert_invariants
from tests.payment_room import ACCOUNT
from tests.stock_room import check_stock, make_product, receive
from tests.two_apis import TwoApis, apis

__all__ = ["apis"]
TILLS = 8
PRODUCTS_AT_ONCE = 4
PHONE = "254711000100"
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 120)]


@pytest.mark.fault_row(10)
async def test_the_last_unit_goes_to_one_till(row: FaultRow, apis: TwoApis) -> None:
    shop, rng = apis.inside, row.rng
    paybill = ConfigureMethod.model_validate(ACCOUNT)
    await shop.run(lambda uow: configure_method(uow, "paybill", paybill))
    tills = [(await shop.run(lambda uow, n=n: create_till(uow, CreateTill(name=f"Till {n}")))).id for n in range(TILLS)]
    products = [await make_product(shop, name=f"P{n}", price_cents=PRICE_CENTS) for n in range(row.size(20, 200))]
    for product in products:
        await receive(shop, product, "1", 9_000)

    async def want(number: int, product: UUID, till: UUID, *, by_prompt: bool) -> httpx2.Response:
        tender = {"method": "mpesa_stk", "phone": PHONE} if by_prompt else {"method": "cash"}
        lines = [{"product_id": str(product), "quantity": "1"}]
        cart = {"till_id": str(till), "lines": lines, "tenders": [{**tender, "amount_cents": PRICE_CENTS}]}
        return await apis.sell(number, cart, key=str(new_id()))

    for place in range(0, len(products), PRODUCTS_AT_ONCE):
        wanted = list(itertools.product(products[place : place + PRODUCTS_AT_ONCE], tills))
        rng.shuffle(wanted)
        answers = await asyncio.gather(
            *(want(n, product, till, by_prompt=rng.random() < 0.4) for n, (product, till) in enumerate(wanted))
        )
        said = {product: list[tuple[int, str]]() for product, _ in wanted}
        for (product, _), answer in zip(wanted, answers, strict=True):
            said[product].append((answer.status_code, answer.json().get("code", answer.json().get("status"))))
        for each in said.values():
            won = [(status, word) for status, word in each if status == 201]
            assert [word for _, word in won] in (["completed"], ["awaiting_payment"]), each
            assert sorted(set(each) - set(won)) == [(409, "sales.stock_short")], each
        row.counts.update(sent=len(wanted), applied=len(said), refused=len(wanted) - len(said))
    levels = await shop.rows(
        "select on_hand, reserved, value_cents from stock_levels where business_id = $1 and product_id = any($2)",
        products,
    )
    assert len(levels) == len(products)
    assert set(levels) <= {(0, 0, 0), (1, 1, 9_000)}
    row.counts["unknown"] = levels.count((1, 1, 9_000))
    await check_stock(shop)
    await assert_invariants(shop.database, shop.business_id)
