"""M-Pesa's prompts go down and come back: the shop hears of it, nobody is asked twice, and selling goes on by itself."""

import itertools
from collections.abc import AsyncGenerator

import pytest_asyncio

from tests.features.operations.commands import payme_json
from tests.stack import Stack, open_stack, until

PRICE = 15_000
_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(base_dsn: str, worker_name: str) -> AsyncGenerator[Stack]:
    """A stack of this room's own, which leaves a product alone after two failures."""
    rest = {"MPESA_BREAKER_FAILURES": "2", "MPESA_BREAKER_SECONDS": "10"}
    async with open_stack(base_dsn, f"extra_{worker_name}_outage", **rest) as opened:
        yield opened


def phone() -> str:
    """Return the number of a customer who pays at once, and who nobody else is."""
    return f"25473{next(_numbers):05d}00"


async def pushes(stack: Stack) -> int:
    """Count the prompts that were asked for."""
    entries = await stack.simulator.control.transcript(event="request", limit="5000")
    return sum(1 for each in entries if each["product"] == "stkpush")


async def test_a_product_that_is_down_is_left_alone_and_tried_again(stack: Stack) -> None:
    shop = await stack.make_shop()
    assert await shop.get("/payment-methods/outages") == []
    outage = await stack.simulator.control.send(
        "POST", "/_sim/faults", {"kind": "outage", "product": "stkpush", "count": 1000}
    )
    doubtful = [await shop.sell_by_prompt(phone(), PRICE) for _ in range(2)]

    async def is_down() -> bool:
        stack.require_alive()
        found = await shop.get("/payment-methods/outages")
        assert all(each["advice"] and each["advice_sw"] for each in found)
        return [each["product"] for each in found] == ["stkpush"]

    await until(is_down)
    _, diagnoses = await payme_json("doctor", **stack.environment)
    assert [each["mark"] for each in diagnoses if "stkpush since" in each["found"]] == ["look"]
    before = await pushes(stack)
    assert before >= 2
    late = await shop.sell_by_prompt(phone(), PRICE)
    found = await shop.sale_becomes(late["id"], "payment_failed")
    assert found["payments"][0]["reason_code"] == "busy"
    assert await pushes(stack) == before
    await stack.simulator.control.send("DELETE", f"/_sim/faults/{outage['id']}")

    async def sells() -> bool:
        sale = await shop.sell_by_prompt(phone(), PRICE)
        return (await shop.sale_becomes(sale["id"], "completed", "payment_failed"))["status"] == "completed"

    await until(sells)
    assert await shop.get("/payment-methods/outages") == []
    for sale in doubtful:
        found = await shop.get(f"/sales/{sale['id']}")
        assert found["status"] == "awaiting_payment"
        assert {each["status"] for each in found["payments"]} == {"unknown"}
