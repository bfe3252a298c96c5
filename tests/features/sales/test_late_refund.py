"""Refunds by M-Pesa whose payout was denied and left all the same: completed late, or overpaid where another took their place."""

from uuid import UUID

import pytest

from payme.features.payments import PayoutFailed, PayoutSucceeded
from payme.features.payments.rules.payouts import News
from payme.features.payments.services.conclude_payout import Heard, hear
from payme.features.payments.services.send_payout import begin_sending_payout
from payme.features.sales.errors import RefundNotPending
from payme.features.sales.schemas.refunds import RefundView
from payme.features.sales.services.finish_refund import complete_refund, hear_of_failed_payout, hear_of_payout
from tests.features.sales.test_refund import PRICE, audited, paid_by_mpesa, sound, tea_of
from tests.stock_room import level
from tests.trade import TradingShop, new_receipt


async def payout_of(shop: TradingShop, refund: RefundView) -> UUID:
    payout_id = await shop.value("select id from payouts where business_id = $1 and purpose_id = $2", refund.id)
    assert await shop.run(lambda uow: begin_sending_payout(uow, payout_id)) is not None
    return payout_id


async def denied(shop: TradingShop, refund: RefundView) -> UUID:
    """Have the payout of a refund denied, and the refund end with it."""
    payout_id = await payout_of(shop, refund)
    await shop.run(lambda uow: hear(uow, payout_id, Heard(News.DENIED, reason_code="1")))
    await tell_failed(shop, refund, payout_id)
    assert await state_of(shop, refund) == "failed"
    return payout_id


async def tell_failed(shop: TradingShop, refund: RefundView, payout_id: UUID) -> None:
    event = PayoutFailed(subject_id=payout_id, purpose="refund", purpose_id=refund.id, reason_code="1")
    await shop.run(lambda uow: hear_of_failed_payout(uow, event))


async def left_after_all(shop: TradingShop, refund: RefundView, payout_id: UUID) -> str:
    """Have M-Pesa say twice that the money left, and the refund hear of it twice."""
    receipt = new_receipt()
    event = PayoutSucceeded(
        subject_id=payout_id, purpose="refund", purpose_id=refund.id, amount_cents=refund.amount_cents,
        mpesa_receipt_number=receipt,
    )  # fmt: skip
    for _ in range(2):
        await shop.run(lambda uow: hear(uow, payout_id, Heard(News.PAID, receipt=receipt)))
    for _ in range(2):
        await shop.run(lambda uow: hear_of_payout(uow, event))
    return receipt


async def state_of(shop: TradingShop, refund: RefundView) -> str:
    return await shop.value("select state from refunds where business_id = $1 and id = $2", refund.id)


async def test_a_refund_that_failed_is_completed_when_its_money_left(shop: TradingShop):
    tea = await tea_of(shop)
    sale = await paid_by_mpesa(shop, tea)
    refund = await shop.refund(sale, (0, 2), method="mpesa")
    payout_id = await denied(shop, refund)
    receipt = await left_after_all(shop, refund, payout_id)
    assert (await state_of(shop, refund), (await shop.balances())["mpesa"]) == ("completed", PRICE)
    assert (await level(shop, tea))[0] == 9
    assert await shop.value("select status from sales where business_id = $1 and id = $2", sale.id) == "partly_refunded"
    evidence = await shop.value("select evidence from refunds where business_id = $1 and id = $2", refund.id)
    assert (evidence["mpesa_receipt_number"], evidence["had_failed"]) == (receipt, "1")
    assert await audited(shop, refund.id) == ["refund.pending", "refund.failed", "refund.completed"]
    await tell_failed(shop, refund, payout_id)
    assert await state_of(shop, refund) == "completed"
    await sound(shop)


@pytest.mark.parametrize("method", ["cash", "mpesa", "credit_note"])
@pytest.mark.parametrize("quantity", [2, 3])
async def test_money_whose_refund_was_overtaken_is_overpaid(shop: TradingShop, method: str, quantity: int):
    tea = await tea_of(shop)
    sale = await paid_by_mpesa(shop, tea)
    refund = await shop.refund(sale, (0, 2), method="mpesa")
    payout_id = await denied(shop, refund)
    again = await shop.refund(sale, (0, quantity), method=method)
    goods, cash = (await level(shop, tea))[0], (await shop.balances()).get("cash", 0)
    receipt = await left_after_all(shop, refund, payout_id)
    sql = "select state, mpesa_receipt_number, is_displaced from payouts where business_id = $1 and id = $2"
    assert await shop.rows(sql, payout_id) == [("succeeded", receipt, True)]
    assert (await state_of(shop, refund), await state_of(shop, again)) == ("failed", again.state)
    books = await shop.balances()
    assert (books["mpesa"], books["mpesa_overpaid"]) == (PRICE, 2 * PRICE)
    assert ((await level(shop, tea))[0], books.get("cash", 0)) == (goods, cash)
    assert await audited(shop, payout_id) == [
        "payout.requested", "payout.failed", "payout.succeeded", "payout.overpaid",
    ]  # fmt: skip
    await sound(shop)


async def test_beside_a_refund_of_the_rest_it_is_completed_to_the_cent(shop: TradingShop):
    tea = await tea_of(shop)
    sale = await paid_by_mpesa(shop, tea)
    refund = await shop.refund(sale, (0, 2), method="mpesa")
    payout_id = await denied(shop, refund)
    await shop.refund(sale, (0, 1))
    await left_after_all(shop, refund, payout_id)
    assert await state_of(shop, refund) == "completed"
    assert await shop.value("select status from sales where business_id = $1 and id = $2", sale.id) == "refunded"
    assert (await shop.balances())["mpesa"] == PRICE
    await sound(shop)


async def test_news_in_the_wrong_order_ends_as_it_happened(shop: TradingShop):
    tea = await tea_of(shop)
    refund = await shop.refund(await paid_by_mpesa(shop, tea), (0, 1), method="mpesa")
    payout_id = await payout_of(shop, refund)
    await shop.run(lambda uow: hear(uow, payout_id, Heard(News.DENIED, reason_code="1")))
    await left_after_all(shop, refund, payout_id)
    await tell_failed(shop, refund, payout_id)
    assert await state_of(shop, refund) == "completed"
    await sound(shop)


async def test_what_nobody_agreed_to_is_not_completed(shop: TradingShop):
    tea = await tea_of(shop)
    refund = await shop.refund(await paid_by_mpesa(shop, tea), (0, 1), method="mpesa")
    await shop.run(
        lambda uow: uow.execute(
            "update refunds set state = 'rejected', ended_at = now() where business_id = $1", uow.tenant
        )
    )
    with pytest.raises(RefundNotPending):
        await shop.run(lambda uow: complete_refund(uow, refund.id, evidence={}))
    assert await state_of(shop, refund) == "rejected"
