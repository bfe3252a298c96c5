"""A sale paid by M-Pesa, through the API, the worker and the simulator as processes of their own."""

from tests.stack import Stack


async def test_an_accepted_prompt_completes_the_sale(stack: Stack) -> None:
    shop = await stack.make_shop()
    sale = await shop.sell_by_prompt("254711000100", 15_000)
    assert sale["status"] == "awaiting_payment"
    done = await shop.sale_becomes(sale["id"], "completed")
    assert done["payments"][0]["status"] == "succeeded"
