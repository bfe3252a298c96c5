"""Money on a cashier's word whose sale was given up: it is nobody's proof until M-Pesa has spoken of it."""

from typing import Any
from uuid import UUID

import pytest

from payme.features.payments import AlreadyClaimed, MoneyInDispute, write_off_claim
from payme.kit.ids import new_id
from tests.features.sales.test_claims import PRICE, arrives, claim, give, in_tray, sound_at_the_end, tea, unpaid
from tests.invariants import assert_invariants
from tests.trade import TradingShop, new_receipt, stk
from tests.unchanged import refused

__all__ = ["sound_at_the_end", "tea"]
CLAIMED = 4_000


async def given_up(shop: TradingShop, product: Any, receipt: str, *, channel: str = "paybill") -> tuple[UUID, UUID]:
    """Leave a part on a cashier's word in the tray; return its payment and its row."""
    sale = await shop.sell(product, tenders=[claim(CLAIMED, receipt, channel=channel), stk(PRICE - CLAIMED)])
    await shop.fails(sale.payments[1].id)
    await shop.cancel(sale.id)
    (row,) = await in_tray(shop)
    return sale.payments[0].id, row


async def write_off(shop: TradingShop, payment_id: UUID) -> int:
    return await shop.run(lambda uow: write_off_claim(uow, payment_id, written_off_by=new_id(), is_covered=True))


@pytest.mark.parametrize("channel", ["paybill", "pochi"])
@pytest.mark.parametrize("is_written_off", [True, False])
async def test_it_is_given_to_another_sale_once_it_is_proved(
    shop: TradingShop, tea: Any, *, channel: str, is_written_off: bool
):
    receipt = new_receipt()
    payment_id, row = await given_up(shop, tea, receipt, channel=channel)
    other = await unpaid(shop, tea)
    await refused(shop, MoneyInDispute, lambda: give(shop, row, other.id))
    if is_written_off:
        assert await write_off(shop, payment_id) == CLAIMED
        await assert_invariants(shop.database, shop.business_id)
        await refused(shop, MoneyInDispute, lambda: give(shop, row, other.id))
    await arrives(shop, CLAIMED, receipt=receipt)
    await assert_invariants(shop.database, shop.business_id)
    paid = await give(shop, row, other.id)
    assert [(each.method, each.assurance) for each in paid.payments if each.status == "succeeded"] == [
        ("mpesa_c2b", "confirmed")
    ]
    await refused(shop, AlreadyClaimed, lambda: give(shop, row, other.id))
    balances = await shop.balances()
    assert (balances["mpesa"], balances.get("mpesa_to_confirm"), balances.get("mpesa_unclaimed")) == (
        CLAIMED, None, None,
    )  # fmt: skip
    assert balances.get("mpesa_losses") is None


async def test_proved_in_part_it_is_nobodys_even_after_the_rest_was_written_off(shop: TradingShop, tea: Any):
    receipt = new_receipt()
    payment_id, row = await given_up(shop, tea, receipt)
    other = await unpaid(shop, tea)
    await arrives(shop, CLAIMED - 1_000, receipt=receipt)
    await refused(shop, MoneyInDispute, lambda: give(shop, row, other.id))
    assert await write_off(shop, payment_id) == 1_000
    await refused(shop, MoneyInDispute, lambda: give(shop, row, other.id))


async def test_a_receipt_that_turned_out_to_be_anothers_proves_nothing(
    shop: TradingShop, other_shop: TradingShop, tea: Any
):
    receipt = new_receipt()
    _, row = await given_up(shop, tea, receipt)
    await arrives(other_shop, CLAIMED, receipt=receipt)
    await arrives(shop, CLAIMED, receipt=receipt)
    other = await unpaid(shop, tea)
    await refused(shop, MoneyInDispute, lambda: give(shop, row, other.id))
