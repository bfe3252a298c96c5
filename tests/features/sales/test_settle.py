"""A sale that waits for M-Pesa: what is set aside, what comes of each piece of news, and that money never vanishes."""

from typing import Any

import asyncpg
import pytest

from payme.features.businesses.schemas import ChangeBusiness
from payme.features.businesses.services import change_business
from payme.features.payments import PaymentSucceeded, PromptAlreadyOpen
from payme.features.payments.enums import Outcome, Source
from payme.features.payments.rules.transitions import Message
from payme.features.sales import errors
from payme.features.sales.services.settle_sale import cancel_stale_sale, receive_payment
from payme.features.tokens import TokensExhausted
from payme.kit.ids import new_id
from tests.invariants import assert_invariants
from tests.stock_room import level, make_product, receive, spoil
from tests.trade import TradingShop, card, cash, stk
from tests.unchanged import refused, unchanged

PRICE = 10_000


@pytest.fixture
async def tea(shop: TradingShop) -> Any:
    product = await make_product(shop, price_cents=PRICE, vat_class="C")
    await receive(shop, product, "5", 20_000)
    return product


@pytest.fixture(autouse=True)
async def sound_at_the_end(shop: TradingShop):
    yield
    await assert_invariants(shop.database, shop.business_id)


async def test_paid_by_mpesa(shop: TradingShop, tea: Any):
    sale = await shop.sell((tea, 2), tenders=[stk(20_000)])
    payment = sale.payments[0]
    assert (sale.status, sale.cost_cents, sale.profit_cents, sale.paid_cents) == ("awaiting_payment", None, None, 0)
    assert (payment.status, payment.assurance, payment.mpesa_receipt_number) == ("created", "none", None)
    assert (await level(shop, tea), await shop.wallet()) == ((5, 2, 20_000), (30, 1))
    await shop.accept(payment.id)
    await shop.paid(payment.id, 20_000, receipt="UKM8RT2K1P")
    done = await shop.sale(sale.id)
    assert (done.status, done.paid_cents, done.cost_cents, done.profit_cents) == ("completed", 20_000, 8_000, 12_000)
    assert (done.payments[0].assurance, done.payments[0].mpesa_receipt_number) == ("confirmed", "UKM8RT2K1P")
    assert (await level(shop, tea), await shop.wallet()) == ((3, 0, 12_000), (29, 0))
    balances = await shop.balances()
    assert (balances["mpesa"], balances["sales_revenue"], balances.get("payments_held")) == (20_000, -20_000, None)


@pytest.mark.parametrize("paid", [True, False])
async def test_news_heard_twice_changes_nothing(shop: TradingShop, tea: Any, paid: bool):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    await (shop.paid(sale.payments[0].id, PRICE) if paid else shop.fails(sale.payments[0].id))
    async with unchanged(shop):
        await shop.hear(again=True)
    assert (await shop.sale(sale.id)).status == ("completed" if paid else "payment_failed")


async def test_news_of_a_part_heard_twice_changes_nothing(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[cash(4_000), stk(6_000)])
    await shop.fails(sale.payments[1].id)
    more = await shop.pay(sale.id, **stk(2_000))
    await shop.paid(more.payments[-1].id, 2_000)
    async with unchanged(shop):
        await shop.hear(again=True)
    view = await shop.sale(sale.id)
    assert (view.status, view.paid_cents) == ("awaiting_payment", 6_000)


async def test_a_failure_releases_stock_and_token_and_another_tender_completes(shop: TradingShop, tea: Any):
    sale = await shop.sell((tea, 2), tenders=[stk(20_000)])
    await shop.fails(sale.payments[0].id)
    assert (await shop.sale(sale.id)).status == "payment_failed"
    assert (await level(shop, tea), await shop.wallet()) == ((5, 0, 20_000), (30, 0))
    done = await shop.pay(sale.id, **cash(20_000, received_cents=50_000))
    assert (done.status, done.paid_cents, done.change_cents, done.cost_cents) == ("completed", 20_000, 30_000, 8_000)
    assert [each.status for each in done.payments] == ["failed", "succeeded"]
    assert (await level(shop, tea), await shop.wallet()) == ((3, 0, 12_000), (29, 0))
    assert (await shop.sale(sale.id)).model_dump() == done.model_dump()


async def test_a_retry_by_prompt_sets_aside_anew(shop: TradingShop, tea: Any):
    sale = await shop.sell((tea, 2), tenders=[stk(20_000)])
    await shop.fails(sale.payments[0].id)
    again = await shop.pay(sale.id, **stk(20_000))
    assert (again.status, again.payments[-1].status) == ("awaiting_payment", "created")
    assert (await level(shop, tea), await shop.wallet()) == ((5, 2, 20_000), (30, 1))
    await shop.paid(again.payments[-1].id, 20_000)
    assert (await shop.sale(sale.id)).status == "completed"


async def test_a_retry_may_find_stock_or_tokens_gone(shop: TradingShop, tea: Any):
    sale = await shop.sell((tea, 4), tenders=[stk(40_000)])
    await shop.fails(sale.payments[0].id)
    await shop.sell((tea, 2), tenders=[cash(20_000)])
    for tender in (cash(40_000), stk(40_000)):
        await refused(shop, errors.StockShort, lambda t=tender: shop.pay(sale.id, **t))
    await receive(shop, tea, "5", 20_000)
    await shop.set_tokens(0)
    for tender in (cash(40_000), stk(40_000)):
        await refused(shop, TokensExhausted, lambda t=tender: shop.pay(sale.id, **t))


async def test_while_a_prompt_is_out_nothing_else_may_happen(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    payment_id = sale.payments[0].id
    unknown = Message(Source.ACCEPTANCE, Outcome.UNKNOWN)
    for happens in (None, shop.accept(payment_id), shop.say(payment_id, unknown)):
        if happens is not None:
            await happens
        for work in (
            lambda: shop.cancel(sale.id),
            lambda: shop.pay(sale.id, **cash(PRICE)),
            lambda: shop.pay(sale.id, **stk(PRICE)),
        ):
            found = await refused(shop, errors.PromptOut, work)
            assert found.facts["payment_id"] == payment_id
    await shop.paid(payment_id, PRICE, heard=False)
    for work in (lambda: shop.cancel(sale.id), lambda: shop.pay(sale.id, **cash(PRICE))):
        await refused(shop, errors.PromptOut, work)
    await shop.hear()
    assert (await shop.sale(sale.id)).status == "completed"


async def test_one_open_prompt_is_held_by_the_database_too(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    copy = """insert into payments (business_id, id, purpose, purpose_id, method, status, assurance, amount_cents, created_at, created_by)
        values ($1, $2, 'sale', $3, 'mpesa_stk', 'created', 'none', 100, now(), $2)"""
    await refused(
        shop, PromptAlreadyOpen, lambda: shop.run(lambda uow: uow.execute(copy, uow.tenant, new_id(), sale.id))
    )


async def test_a_split_with_cash_completes_when_the_prompt_is_paid(shop: TradingShop, tea: Any):
    sale = await shop.sell((tea, 3), tenders=[cash(10_000, received_cents=20_000), stk(20_000)])
    assert (sale.status, sale.paid_cents, sale.change_cents) == ("awaiting_payment", 10_000, 10_000)
    held = await shop.balances()
    assert (held["cash"], held["payments_held"], held.get("sales_revenue")) == (10_000, -10_000, None)
    await shop.paid(sale.payments[1].id, 20_000)
    done = await shop.sale(sale.id)
    assert (done.status, done.paid_cents, done.change_cents) == ("completed", 30_000, 10_000)
    balances = await shop.balances()
    assert (balances["cash"], balances["mpesa"], balances["sales_revenue"]) == (10_000, 20_000, -30_000)
    assert balances.get("payments_held") is None


async def test_a_failing_part_leaves_the_other_held_and_cancelling_returns_it(shop: TradingShop, tea: Any):
    sale = await shop.sell((tea, 3), tenders=[cash(10_000), stk(20_000)])
    await shop.fails(sale.payments[1].id)
    waiting = await shop.sale(sale.id)
    assert (waiting.status, waiting.paid_cents) == ("awaiting_payment", 10_000)
    assert (await level(shop, tea), await shop.wallet()) == ((5, 3, 20_000), (30, 1))
    cancelled = await shop.cancel(sale.id)
    assert (cancelled.status, cancelled.paid_cents) == ("cancelled", 0)
    assert [each.settlement for each in cancelled.payments] == ["returned", None]
    assert (await level(shop, tea), await shop.wallet()) == ((5, 0, 20_000), (30, 0))
    balances = await shop.balances()
    assert (balances.get("cash"), balances.get("payments_held")) == (None, None)
    assert await shop.rows(
        """select f.code, t.code, p.amount from postings p
        join accounts f on f.business_id = $1 and f.id = p.from_account join accounts t on t.business_id = $1 and t.id = p.to_account
        where p.business_id = $1 and p.kind = 'payment.returned'"""
    ) == [("cash", "payments_held", 10_000)]


async def test_a_cancelled_sale_leaves_its_mpesa_part_unclaimed(shop: TradingShop, tea: Any):
    sale = await shop.sell((tea, 3), tenders=[card(10_000), stk(20_000)])
    await shop.fails(sale.payments[1].id)
    part = await shop.pay(sale.id, **stk(5_000))
    await shop.paid(part.payments[-1].id, 5_000)
    cancelled = await shop.cancel(sale.id)
    assert [each.settlement for each in cancelled.payments] == ["returned", None, "unclaimed"]
    assert await shop.unclaimed() == [(5_000, "sale_not_open")]
    balances = await shop.balances()
    assert (balances.get("card"), balances["mpesa"], balances["mpesa_unclaimed"]) == (None, 5_000, -5_000)
    await refused(shop, errors.SaleNotOpen, lambda: shop.cancel(sale.id))
    await refused(shop, errors.SaleNotOpen, lambda: shop.pay(sale.id, **cash(100)))


async def test_a_success_after_cancelling_is_unclaimed_money(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.fails(sale.payments[0].id)
    await shop.cancel(sale.id)
    await shop.paid(sale.payments[0].id, PRICE)
    view = await shop.sale(sale.id)
    assert (view.status, view.paid_cents, view.payments[0].settlement) == ("cancelled", 0, "unclaimed")
    assert await shop.unclaimed() == [(PRICE, "sale_not_open")]
    assert (await level(shop, tea), await shop.wallet()) == ((5, 0, 20_000), (30, 0))


async def test_a_late_success_completes_and_owes_what_was_sold_meanwhile(shop: TradingShop, tea: Any):
    sale = await shop.sell((tea, 3), tenders=[stk(30_000)])
    await shop.fails(sale.payments[0].id)
    await shop.sell((tea, 4), tenders=[cash(40_000)])
    await shop.set_tokens(0)
    await shop.paid(sale.payments[0].id, 30_000)
    done = await shop.sale(sale.id)
    assert (done.status, done.cost_cents) == ("completed", 12_000)
    assert await level(shop, tea) == (-2, 0, -8_000)
    assert await shop.wallet() == (-1, 0)
    view = await receive(shop, tea, "5", 25_000)
    assert (view.settled_quantity, view.variance_cents) == (2, 2_000)


async def test_a_prompt_paid_after_its_goods_were_spoiled_completes(shop: TradingShop, tea: Any):
    sale = await shop.sell((tea, 3), tenders=[stk(30_000)])
    await spoil(shop, tea, "4")
    await shop.paid(sale.payments[0].id, 30_000)
    assert (await shop.sale(sale.id)).status == "completed"
    assert (await level(shop, tea))[:2] == (-2, 0)


async def test_two_late_successes_pay_once(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.fails(sale.payments[0].id)
    second = (await shop.pay(sale.id, **stk(PRICE))).payments[-1]
    await shop.paid(sale.payments[0].id, PRICE, heard=False)
    await shop.paid(second.id, PRICE, heard=False)
    await shop.hear()
    view = await shop.sale(sale.id)
    assert (view.status, view.paid_cents) == ("completed", PRICE)
    assert sorted(each.settlement or "" for each in view.payments) == ["applied", "unclaimed"]
    assert await shop.unclaimed() == [(PRICE, "sale_not_open")]


async def test_money_beyond_the_total_is_unclaimed(shop: TradingShop, tea: Any):
    sale = await shop.sell((tea, 3), tenders=[stk(30_000)])
    await shop.fails(sale.payments[0].id)
    await shop.pay(sale.id, **cash(12_000))
    await shop.paid(sale.payments[0].id, 30_000)
    done = await shop.sale(sale.id)
    assert (done.status, done.paid_cents, done.total_cents) == ("completed", 30_000, 30_000)
    assert await shop.unclaimed() == [(12_000, "sale_not_open")]
    balances = await shop.balances()
    assert (balances["mpesa"], balances["mpesa_unclaimed"], balances["cash"]) == (30_000, -12_000, 12_000)
    assert (balances["sales_revenue"], balances.get("payments_held")) == (-30_000, None)


async def test_less_than_was_asked_for_is_a_part(shop: TradingShop, tea: Any):
    sale = await shop.sell((tea, 3), tenders=[stk(30_000)])
    payment_id = sale.payments[0].id
    await shop.paid(payment_id, 20_000)
    assert (await shop.sale(sale.id)).status == "awaiting_payment"
    await refused(shop, errors.PromptOut, lambda: shop.cancel(sale.id))
    await shop.say(payment_id, Message(Source.QUERY, Outcome.PAID))
    part = await shop.sale(sale.id)
    assert (part.status, part.paid_cents) == ("awaiting_payment", 20_000)
    above = await refused(shop, errors.TendersDiffer, lambda: shop.pay(sale.id, **cash(10_001)))
    assert above.facts == {"due_cents": 10_000, "tendered_cents": 10_001}
    assert (await shop.pay(sale.id, **cash(10_000))).status == "completed"


async def test_a_late_part_opens_a_new_reservation_beyond_stock_and_tokens(shop: TradingShop, tea: Any):
    sale = await shop.sell((tea, 3), tenders=[stk(30_000)])
    await shop.fails(sale.payments[0].id)
    await shop.sell((tea, 4), tenders=[cash(40_000)])
    await shop.set_tokens(0)
    await shop.paid(sale.payments[0].id, 20_000)
    await shop.say(sale.payments[0].id, Message(Source.QUERY, Outcome.PAID))
    view = await shop.sale(sale.id)
    assert (view.status, view.paid_cents) == ("awaiting_payment", 20_000)
    assert (await level(shop, tea))[:2] == (1, 3)
    assert await shop.wallet() == (0, 1)
    await shop.cancel(sale.id)
    assert await shop.unclaimed() == [(20_000, "sale_not_open")]


async def test_more_than_was_asked_for_leaves_the_excess_unclaimed(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.paid(sale.payments[0].id, PRICE + 500)
    await shop.say(sale.payments[0].id, Message(Source.QUERY, Outcome.PAID))
    assert (await shop.sale(sale.id)).status == "completed"
    assert await shop.unclaimed() == [(500, "overpaid")]


async def test_failure_heard_after_success_is_no_news(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.fails(sale.payments[0].id, heard=False)
    await shop.paid(sale.payments[0].id, PRICE, heard=False)
    payment = sale.payments[0]
    succeeded = PaymentSucceeded(
        subject_id=payment.id, payment_id=payment.id, purpose="sale", purpose_id=sale.id, applied_cents=PRICE, late=True
    )
    await shop.run(lambda uow: receive_payment(uow, succeeded))
    async with unchanged(shop):
        await shop.hear()
    assert (await shop.sale(sale.id)).status == "completed"


async def test_failure_heard_while_another_prompt_is_out_keeps_what_is_set_aside(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.fails(sale.payments[0].id, heard=False)
    again = await shop.pay(sale.id, **stk(PRICE))
    async with unchanged(shop):
        await shop.hear()
    assert again.status == "awaiting_payment"
    assert await shop.wallet() == (30, 1)


async def test_a_stale_sale_is_cancelled_and_one_that_moved_on_is_not(shop: TradingShop, tea: Any):
    stale, tried, late = [await shop.sell(tea, tenders=[stk(PRICE)]) for _ in range(3)]
    for each in (stale, tried, late):
        await shop.fails(each.payments[0].id)
    revs = [(each.id, (await shop.sale(each.id)).rev) for each in (stale, tried, late)]
    await shop.pay(tried.id, **stk(PRICE))
    await shop.paid(late.payments[0].id, PRICE, heard=False)
    for sale_id, rev in revs:
        await shop.run(lambda uow, i=sale_id, r=rev: cancel_stale_sale(uow, i, rev=r))
    assert [(await shop.sale(each.id)).status for each in (stale, tried, late)] == [
        "cancelled", "awaiting_payment", "payment_failed",
    ]  # fmt: skip
    await shop.hear()
    assert (await shop.sale(late.id)).status == "completed"


async def test_a_day_counts_from_the_last_failure(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.fails(sale.payments[0].id)
    first = (await shop.sale(sale.id)).rev
    again = await shop.pay(sale.id, **stk(PRICE))
    await shop.fails(again.payments[-1].id)
    async with unchanged(shop):
        await shop.run(lambda uow: cancel_stale_sale(uow, sale.id, rev=first))
    last = (await shop.sale(sale.id)).rev
    await shop.run(lambda uow: cancel_stale_sale(uow, sale.id, rev=last))
    assert (await shop.sale(sale.id)).status == "cancelled"


async def test_a_failure_has_the_sale_cancelled_in_a_day(shop: TradingShop, tea: Any, owner_dsn: str):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.fails(sale.payments[0].id)
    rev = (await shop.sale(sale.id)).rev
    owner = await asyncpg.connect(owner_dsn)
    rows = await owner.fetch(
        """select convert_from(payload, 'utf8')::jsonb ->> 'rev', execute_after - created > '23:59' from pgqueuer
        where entrypoint = 'sales.cancel_stale_sale' and convert_from(payload, 'utf8')::jsonb ->> 'sale_id' = $1""",
        str(sale.id),
    )
    await owner.close()
    assert [tuple(row) for row in rows] == [(str(rev), True)]


async def test_rounding_of_a_prompt_is_booked_when_it_is_paid(shop: TradingShop):
    await shop.run(lambda uow: change_business(uow, ChangeBusiness(cash_rounding_cents=100)))
    gum = await make_product(shop, price_cents=1_250, track_stock=False)
    sale = await shop.sell(gum, tenders=[stk(1_300)])
    await shop.paid(sale.payments[0].id, 1_300)
    done = await shop.sale(sale.id)
    assert (done.status, done.rounding_cents, done.profit_cents) == ("completed", 50, 1_250 - done.vat_cents)
    assert (await shop.balances())["cash_rounding"] == -50


async def test_a_service_alone_by_prompt(shop: TradingShop):
    haircut = await make_product(shop, price_cents=50_000, track_stock=False)
    sale = await shop.sell(haircut, tenders=[stk(50_000)])
    await shop.fails(sale.payments[0].id)
    await shop.paid(sale.payments[0].id, 50_000)
    done = await shop.sale(sale.id)
    assert (done.status, done.cost_cents, done.lines[0].cost_cents) == ("completed", 0, 0)


async def test_a_completed_sale_is_neither_cancelled_nor_paid_again(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[cash(PRICE)])
    await refused(shop, errors.SaleNotOpen, lambda: shop.cancel(sale.id))
    await refused(shop, errors.SaleNotOpen, lambda: shop.pay(sale.id, **cash(PRICE)))
    await refused(shop, errors.SaleNotFound, lambda: shop.cancel(new_id()))


async def test_a_retry_may_be_wrong_as_any_tender(shop: TradingShop, tea: Any):
    sale = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.fails(sale.payments[0].id)
    await refused(shop, errors.ReceivedTooLittle, lambda: shop.pay(sale.id, **cash(PRICE, received_cents=PRICE - 1)))
    await refused(shop, errors.TendersDiffer, lambda: shop.pay(sale.id, **cash(PRICE + 1)))
