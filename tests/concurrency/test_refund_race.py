"""Ten refunds of one sale at once, each of one unit, in cash and by M-Pesa, over two API processes: as many as were sold, no more."""

import asyncio
from collections import Counter
from uuid import UUID

import httpx2
import pytest

from payme.features.payments import ConfigureMethod, PaymentSucceeded, configure_method
from payme.features.sales import SaleView, complete_refund, fail_refund
from payme.features.sales.services.settle_sale import receive_payment
from payme.kit.errors import DomainError
from payme.kit.ids import new_id
from tests.fault_rows import FULL, FaultRow
from tests.faults.selling import PRICE_CENTS
from tests.invariants import assert_invariants
from tests.payment_room import OPERATED
from tests.stock_room import check_stock
from tests.trade import TradingShop, stk
from tests.two_apis import TwoApis, apis

__all__ = ["apis"]
AT_ONCE = 10
SALES_AT_ONCE = 4
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 120)]


async def paid_by_prompt(shop: TradingShop, product: UUID, quantity: int) -> SaleView:
    total = quantity * PRICE_CENTS
    sale = await shop.sell((product, quantity), tenders=[stk(total)])
    payment_id = sale.payments[0].id
    await shop.paid(payment_id, total, heard=False)
    event = PaymentSucceeded(
        subject_id=payment_id, payment_id=payment_id, purpose="sale", purpose_id=sale.id, applied_cents=total
    )
    await shop.run(lambda uow: receive_payment(uow, event))
    return sale


async def end(shop: TradingShop, refund_id: UUID, *, done: bool) -> str:
    """Have the payout of a refund end; return how, or the refusal's code."""
    try:
        if done:
            return (await shop.run(lambda uow: complete_refund(uow, refund_id, evidence={}))).state
        return (await shop.run(lambda uow: fail_refund(uow, refund_id, reason="refused"))).state
    except DomainError as refusal:
        return refusal.code


@pytest.mark.fault_row(7)
async def test_no_more_goes_back_than_was_paid(row: FaultRow, apis: TwoApis) -> None:
    rng = row.rng
    shop = TradingShop(apis.inside.database, apis.inside.business_id)
    paybill = ConfigureMethod.model_validate(OPERATED)
    await shop.run(lambda uow: configure_method(uow, "paybill", paybill))

    async def ask(number: int, sale: SaleView, method: str) -> httpx2.Response:
        line = {"sale_line_id": str(sale.lines[0].id), "quantity": "1", "restock": number % 3 > 0}
        return await apis.clients[number % len(apis.clients)].post(
            f"{apis.shop.sales_url}/{sale.id}/refunds",
            json={"lines": [line], "method": method, "reason": "Torn"},
            headers={"idempotency-key": str(new_id())},
        )

    async def storm(sale: SaleView) -> list[httpx2.Response]:
        methods = [rng.choice(["cash", "mpesa"]) for _ in range(AT_ONCE)]
        return await asyncio.gather(*(ask(n, sale, method) for n, method in enumerate(methods)))

    for _ in range(row.size(20, 500) // SALES_AT_ONCE):
        wanted = [rng.randint(1, AT_ONCE) for _ in range(SALES_AT_ONCE)]
        sold = [await paid_by_prompt(shop, apis.shop.products[0], each) for each in wanted]
        answers = await asyncio.gather(*map(storm, sold))
        pending: list[UUID] = []
        for quantity, each in zip(wanted, answers, strict=True):
            said = Counter(answer.json().get("code", "done") for answer in each)
            assert said.pop("done") == quantity, said
            assert set(said) <= {"sales.refund_too_much", "sales.not_refundable"}, said
            given = [answer.json() for answer in each if answer.is_success]
            assert {(one["state"], one["amount_cents"]) for one in given} <= {
                ("completed", PRICE_CENTS),
                ("pending", PRICE_CENTS),
            }
            pending += [UUID(one["id"]) for one in given if one["state"] == "pending"]
            row.counts.update(sent=AT_ONCE, applied=quantity, refused=AT_ONCE - quantity)
        ends = await asyncio.gather(*(end(shop, each, done=n < 2) for each in pending for n in range(3)))
        # A failure that comes first counts until the success that follows it; one that comes second is refused.
        assert ends.count("failed") + ends.count("sales.refund_not_pending") == len(pending)
        assert set(ends) <= {"completed", "failed", "sales.refund_not_pending", "sales.refund_overtaken"}
        row.counts.update(pending=len(pending), failed=ends.count("failed"))
    over = await shop.rows(
        """select s.id from sales s join refunds r on r.business_id = s.business_id and r.sale_id = s.id
        where s.business_id = $1 and r.state in ('pending', 'completed') group by s.id, s.paid_cents
        having sum(r.amount_cents) > s.paid_cents"""
    )
    assert over == []
    await check_stock(shop)
    await assert_invariants(shop.database, shop.business_id)
