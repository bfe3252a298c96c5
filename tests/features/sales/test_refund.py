"""What goes back of a sale: money, goods, books and the sale's state; at once, after a payout, or after a second person's word."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from payme.features.approvals import MayNotApprove, OwnRequest
from payme.features.approvals.services import approve, expire_approval, reject
from payme.features.identity import Role
from payme.features.payments import OperatorMissing, WholeShillings
from payme.features.sales import RefundRequested, RefundView, SaleView, complete_refund, errors, fail_refund
from payme.kit.ids import new_id
from payme.kit.time import FrozenClock
from payme.runtime.database import Database
from tests.invariants import assert_invariants
from tests.staff import Member, hire
from tests.stock_room import check_stock, level, make_product, receive
from tests.trade import TradingShop, card, cash, stk
from tests.unchanged import refused

PRICE = 11_600


async def tea_of(shop: TradingShop, quantity: str = "10", cost: int = 50_000, **facts: Any) -> UUID:
    product = await make_product(shop, **{"price_cents": PRICE, **facts})
    if quantity != "0":
        await receive(shop, product, quantity, cost)
    return product


async def sound(shop: TradingShop) -> None:
    await check_stock(shop)
    await assert_invariants(shop.database, shop.business_id)


async def paid_by_mpesa(shop: TradingShop, product: UUID, quantity: int = 3) -> SaleView:
    sale = await shop.sell((product, quantity), tenders=[stk(quantity * PRICE)])
    await shop.paid(sale.payments[0].id, quantity * PRICE)
    return await shop.sale(sale.id)


async def told(shop: TradingShop, subject_id: UUID) -> list[str]:
    return [
        row[0]
        for row in await shop.rows(
            "select name from events where business_id = $1 and subject_id = $2 order by seq, id", subject_id
        )
    ]


async def audited(shop: TradingShop, subject_id: UUID) -> list[str]:
    return [
        row[0]
        for row in await shop.rows(
            "select action from audit_log where business_id = $1 and subject_id = $2 order by id", subject_id
        )
    ]


async def test_parts_go_back_to_the_cent_and_leave_the_books_as_before(shop: TradingShop):
    tea = await tea_of(shop, cost=50_003)
    before = await shop.balances()
    sale = await shop.sell((tea, 3), tenders=[cash(3 * PRICE)])
    seen: list[tuple[Any, ...]] = []
    for status in ("partly_refunded", "partly_refunded", "refunded"):
        refund = await shop.refund(sale, (0, 1))
        seen.append((refund.state, refund.amount_cents, refund.vat_cents, refund.cost_cents, refund.sale_status))
        assert (await shop.sale(sale.id)).status == status
        await sound(shop)
    assert [each[0] for each in seen] == ["completed"] * 3
    assert [each[1] for each in seen] == [PRICE] * 3
    assert (sum(each[2] for each in seen), sum(each[3] for each in seen)) == (sale.vat_cents, sale.cost_cents)
    assert [each[4] for each in seen] == ["partly_refunded", "partly_refunded", "refunded"]
    assert (await shop.balances()) == {**before, "tokens": 29, "tokens_used": 1}
    assert await level(shop, tea) == (10, 0, 50_003)
    assert await shop.wallet() == (29, 0), "a refund gives no token back"
    await refused(shop, errors.NotRefundable, lambda: shop.refund(sale, (0, 1)))


async def test_a_part_moves_what_its_share_is_and_says_so(shop: TradingShop):
    tea = await tea_of(shop)
    sale = await shop.sell((tea, 2), tenders=[cash(2 * PRICE)])
    refund = await shop.refund(sale, (0, 1), id=new_id())
    assert await shop.balances() == {
        "cash": PRICE, "sales_revenue": -10_000, "vat_payable": -1_600, "cost_of_goods": 5_000, "inventory": 45_000,
        "goods_received": -50_000, "tokens": 29, "tokens_used": 1, "tokens_granted": -30,
    }  # fmt: skip
    assert await shop.rows(
        "select kind, quantity, cost_cents, reason, cause from stock_movements where business_id = $1 and kind <> 'purchase' order by id"
    ) == [("sale", -2, -10_000, "", sale.id), ("return_in", 1, 5_000, "Torn", refund.lines[0].id)]
    assert await told(shop, refund.id) == ["refund.completed"]
    assert await audited(shop, refund.id) == ["refund.completed"]
    assert (await told(shop, sale.id))[-1] == "sale.changed"
    assert (await audited(shop, sale.id))[-1] == "sale.partly_refunded"
    assert await shop.refunds(sale.id) == [refund]
    changed = "select count(*) from sync_changes where business_id = $1 and collection = $2 and document_id = $3"
    for collection, document in (("refunds", refund.id), ("sales", sale.id), ("stock", tea)):
        assert await shop.value(changed, collection, document) == 1


async def test_what_cannot_be_sold_again_is_spoilage(shop: TradingShop):
    tea = await tea_of(shop)
    sale = await shop.sell((tea, 3), tenders=[cash(3 * PRICE)])
    refund = await shop.refund(sale, (0, 1, False), (0, 1, True), (0, 1, False))
    assert [line.restock for line in refund.lines] == ["spoilage", "shelf", "spoilage"]
    assert await level(shop, tea) == (8, 0, 40_000)
    balances = await shop.balances()
    assert (balances["spoilage"], balances.get("cost_of_goods"), balances["inventory"]) == (10_000, None, 40_000)
    assert await shop.rows(
        "select kind, spoilage_type, quantity from stock_movements where business_id = $1 and kind in ('return_in', 'spoilage')"
        " order by kind, quantity"
    ) == [("return_in", None, 1), ("return_in", None, 2), ("spoilage", "other", -2)]
    await sound(shop)


async def test_what_comes_back_settles_what_is_owed_but_not_when_it_is_spoiled(shop: TradingShop):
    tea = await tea_of(shop, "2", 10_000)
    first = await shop.sell((tea, 2), tenders=[stk(2 * PRICE)])
    await shop.fails(first.payments[0].id)
    sold = await shop.sell((tea, 2), tenders=[cash(2 * PRICE)])
    await shop.paid(first.payments[0].id, 2 * PRICE)
    assert (await level(shop, tea))[0] == -2
    await shop.refund(sold, (0, 1, False))
    assert await level(shop, tea) == (-2, 0, -10_000)
    await shop.refund(sold, (0, 1, True))
    assert await level(shop, tea) == (-1, 0, -5_000)
    await sound(shop)
    await receive(shop, tea, "5", 30_000)
    await sound(shop)


async def test_two_lines_of_one_product_come_back_together(shop: TradingShop):
    tea = await tea_of(shop, "2", 10_001)
    milk = await tea_of(shop, "5", 10_000, name="Maziwa")
    service = await tea_of(shop, "0", name="Delivery", track_stock=False)
    owed = await shop.sell((tea, 2), tenders=[stk(2 * PRICE)])
    await shop.fails(owed.payments[0].id)
    sale = await shop.sell((tea, 1), (milk, 2), (tea, 1), service, tenders=[cash(5 * PRICE)])
    await shop.paid(owed.payments[0].id, 2 * PRICE)
    refund = await shop.refund(sale)
    assert refund.sale_status == "refunded"
    assert [line.restock for line in refund.lines] == ["shelf", "shelf", "shelf", "none"]
    assert ((await level(shop, tea))[0], await level(shop, milk)) == (0, (5, 0, 10_000))
    await sound(shop)


async def test_goods_without_stock_go_back_as_money_alone(shop: TradingShop):
    service = await tea_of(shop, "0", track_stock=False)
    sale = await shop.sell((service, 2), tenders=[card(2 * PRICE)])
    refund = await shop.refund(sale, (0, 1, False))
    assert (refund.state, refund.cost_cents, refund.lines[0].restock) == ("completed", 0, "none")
    assert (await shop.balances())["cash"] == -PRICE
    assert await shop.value("select count(*) from stock_movements where business_id = $1") == 0
    await sound(shop)


async def test_cash_rounding_goes_back_with_the_last_part(shop: TradingShop):
    await shop.run(
        lambda uow: uow.execute("update businesses set cash_rounding_cents = 100 where business_id = $1", uow.tenant)
    )
    tea = await tea_of(shop, price_cents=5_020)
    sale = await shop.sell((tea, 2), tenders=[cash(10_000)])
    assert (sale.total_cents, sale.rounding_cents) == (10_000, -40)
    parts = [await shop.refund(sale, (0, 1)) for _ in range(2)]
    assert [(each.amount_cents, each.rounding_cents) for each in parts] == [(5_020, 0), (4_980, -40)]
    balances = await shop.balances()
    assert {"cash", "sales_revenue", "cash_rounding", "vat_payable"}.isdisjoint(balances)
    await sound(shop)


async def test_a_free_sale_gives_back_its_goods(shop: TradingShop):
    tea = await tea_of(shop)
    await shop.set_limits(discount_limit_basis_points=10_000)
    sale = await shop.sell(tea, tenders=[], discount_cents=PRICE)
    refund = await shop.refund(sale)
    assert (refund.amount_cents, refund.sale_status, await level(shop, tea)) == (0, "refunded", (10, 0, 50_000))
    await sound(shop)


async def test_more_than_is_left_is_refused(shop: TradingShop):
    tea = await tea_of(shop)
    sale, other = [await shop.sell((tea, 2), tenders=[cash(2 * PRICE)]) for _ in range(2)]
    refusal = await refused(shop, errors.RefundTooMuch, lambda: shop.refund(sale, (0, 3)))
    assert refusal.facts == {"sale_line_id": sale.lines[0].id, "wanted": "3", "refundable": "2"}
    first = await shop.refund(sale, (0, 1))
    for lines in ([(0, 2)], [(0, 1), (0, "0.001")]):
        await refused(shop, errors.RefundTooMuch, lambda lines=lines: shop.refund(sale, *lines))
    await refused(shop, errors.RefundExists, lambda: shop.refund(sale, (0, 1), id=first.id))
    mixed = sale.model_copy(update={"lines": other.lines})
    await refused(shop, errors.SaleLineNotFound, lambda: shop.refund(mixed, (0, 1)))
    unknown = sale.model_copy(update={"id": new_id()})
    await refused(shop, errors.SaleNotFound, lambda: shop.refund(unknown, (0, 1)))
    waiting = await shop.sell(tea, tenders=[stk(PRICE)])
    await refused(shop, errors.NotRefundable, lambda: shop.refund(waiting))
    await sound(shop)


async def test_another_business_finds_neither_sale_nor_refund(shop: TradingShop, other_shop: TradingShop):
    tea = await tea_of(shop)
    sale = await paid_by_mpesa(shop, tea)
    refund = await shop.refund(sale, (0, 1), method="mpesa")
    await refused(other_shop, errors.SaleNotFound, lambda: other_shop.refund(sale))
    await refused(other_shop, errors.SaleNotFound, lambda: other_shop.void(sale.id))
    await refused(other_shop, errors.SaleNotFound, lambda: other_shop.refunds(sale.id))
    await refused(other_shop, errors.RefundNotFound, lambda: finish(other_shop, refund.id))
    await refused(other_shop, errors.RefundNotFound, lambda: fail(other_shop, refund.id))


# -- by M-Pesa


async def finish(shop: TradingShop, refund_id: UUID) -> RefundView:
    return await shop.run(lambda uow: complete_refund(uow, refund_id, evidence={"mpesa_receipt_number": "UKM1"}))


async def fail(shop: TradingShop, refund_id: UUID) -> RefundView:
    return await shop.run(lambda uow: fail_refund(uow, refund_id, reason="payout_refused"))


async def test_by_mpesa_nothing_moves_before_the_payout_but_all_of_it_is_held(shop: TradingShop):
    tea = await tea_of(shop)
    sale = await paid_by_mpesa(shop, tea)
    before = await shop.balances()
    refund = await shop.refund(sale, (0, 2), method="mpesa")
    assert (refund.state, refund.amount_cents, refund.sale_status) == ("pending", 2 * PRICE, "completed")
    assert (await shop.balances(), (await level(shop, tea))[0]) == (before, 7)
    assert await told(shop, refund.id) == ["refund.changed", "refund.requested"]
    (payload,) = [
        row[0]
        for row in await shop.rows("select payload from events where business_id = $1 and name = 'refund.requested'")
    ]
    assert RefundRequested.model_validate(payload) == RefundRequested(
        subject_id=refund.id, sale_id=sale.id, method="mpesa", amount_cents=2 * PRICE, payment_id=sale.payments[0].id
    )
    for method in ("cash", "mpesa"):
        await refused(shop, errors.RefundTooMuch, lambda method=method: shop.refund(sale, (0, 2), method=method))
    await sound(shop)
    done = await finish(shop, refund.id)
    assert (done.state, done.sale_status, await level(shop, tea)) == ("completed", "partly_refunded", (9, 0, 45_000))
    assert (await shop.balances())["mpesa"] == PRICE
    assert await shop.value("select evidence ->> 'mpesa_receipt_number' from refunds where business_id = $1") == "UKM1"
    assert await finish(shop, refund.id) == done
    assert await told(shop, refund.id) == ["refund.changed", "refund.requested", "refund.completed"]
    assert await audited(shop, refund.id) == ["refund.pending", "refund.completed"]
    await refused(shop, errors.RefundNotPending, lambda: fail(shop, refund.id))
    await sound(shop)


async def test_by_mpesa_goes_back_only_where_it_can_be_paid_out(shop: TradingShop):
    tea = await tea_of(shop)
    sale = await paid_by_mpesa(shop, tea)
    await shop.run(
        lambda uow: uow.execute("update payment_methods set initiator_name = null where business_id = $1", uow.tenant)
    )
    await refused(shop, OperatorMissing, lambda: shop.refund(sale, (0, 1), method="mpesa"))
    assert await shop.refunds(sale.id) == []


async def test_a_payout_that_failed_lets_go_of_what_it_held(shop: TradingShop):
    tea = await tea_of(shop)
    sale = await paid_by_mpesa(shop, tea)
    refund = await shop.refund(sale, method="mpesa")
    failed = await fail(shop, refund.id)
    assert (failed.state, failed.end_reason, failed.sale_status) == ("failed", "payout_refused", "completed")
    assert await fail(shop, refund.id) == failed
    again = await shop.refund(sale)
    assert (again.state, again.sale_status, (await shop.balances())["cash"]) == ("completed", "refunded", -3 * PRICE)
    await refused(shop, errors.RefundOvertaken, lambda: finish(shop, refund.id))
    await sound(shop)


async def test_by_mpesa_goes_back_no_more_than_came_by_it_in_whole_shillings(shop: TradingShop):
    tea = await tea_of(shop)
    sale = await shop.sell((tea, 3), tenders=[cash(2 * PRICE), stk(PRICE)])
    await shop.paid(sale.payments[1].id, PRICE)
    refusal = await refused(shop, errors.MpesaPaidLess, lambda: shop.refund(sale, (0, 2), method="mpesa"))
    assert refusal.facts == {"amount_cents": 2 * PRICE, "refundable_cents": PRICE}
    await refused(shop, WholeShillings, lambda: shop.refund(sale, (0, "0.333"), method="mpesa"))
    await shop.refund(sale, (0, 1), method="mpesa")
    await refused(shop, errors.MpesaPaidLess, lambda: shop.refund(sale, (0, 1), method="mpesa"))
    counted = await shop.sell(tea, tenders=[cash(PRICE)])
    await refused(shop, errors.MpesaPaidLess, lambda: shop.refund(counted, method="mpesa"))
    await sound(shop)


# -- a second person


async def limited(shop: TradingShop, limit_cents: int = PRICE) -> tuple[Member, Member]:
    sql = "update businesses set refund_limit_cents = $2 where business_id = $1"
    await shop.run(lambda uow: uow.execute(sql, uow.tenant, limit_cents))
    return await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER)


async def agree(member: Member, refund: RefundView) -> None:
    approval_id = refund.approval_id
    assert approval_id is not None
    await member.shop.run(lambda uow: approve(uow, approval_id, proven=member.proven))
    await member.shop.hear()


async def test_up_to_the_limit_a_cashier_refunds_alone(shop: TradingShop):
    cashier, _ = await limited(shop)
    sale = await shop.sell((await tea_of(shop), 2), tenders=[cash(2 * PRICE)])
    refund = await cashier.shop.refund(sale, (0, 1))
    assert (refund.state, refund.requested_by, refund.approved_by) == ("completed", cashier.id, None)
    assert (refund.cost_cents, refund.lines[0].cost_cents) == (None, None), "not for cashiers"
    await sound(shop)


async def test_what_was_agreed_to_and_cannot_be_paid_out_fails_and_may_be_asked_for_anew(shop: TradingShop):
    cashier, manager = await limited(shop)
    sale = await paid_by_mpesa(shop, await tea_of(shop))
    refund = await cashier.shop.refund(sale, (0, 2), method="mpesa")
    sql = "update payment_methods set initiator_name = null where business_id = $1"
    await shop.run(lambda uow: uow.execute(sql, uow.tenant))
    await agree(manager, refund)
    (found,) = await shop.refunds(sale.id)
    assert (found.state, found.end_reason) == ("failed", "payments.operator_missing")
    assert await shop.value("select count(*) from payouts where business_id = $1") == 0
    assert (await shop.refund(sale, (0, 1))).state == "completed"
    await sound(shop)


@pytest.mark.parametrize("method", ["cash", "mpesa"])
async def test_above_the_limit_it_waits_and_happens_when_somebody_agrees(shop: TradingShop, method: str):
    cashier, manager = await limited(shop)
    tea = await tea_of(shop)
    sale = await paid_by_mpesa(shop, tea)
    before = await shop.balances()
    refund = await cashier.shop.refund(sale, (0, 2), method=method)
    assert (refund.state, refund.sale_status) == ("awaiting_approval", "completed")
    assert (await shop.balances(), (await level(shop, tea))[0]) == (before, 7)
    await refused(shop, errors.RefundTooMuch, lambda: cashier.shop.refund(sale, (0, 2)))
    await refused(shop, errors.RefundNotPending, lambda: finish(shop, refund.id))
    (asked,) = await shop.rows(
        "select kind, subject_id, amount_cents, reason, document from approvals where business_id = $1"
    )
    document = {"sale_id": str(sale.id), "receipt_number": sale.receipt_number, "method": method}
    assert asked == ("refund", refund.id, 2 * PRICE, "Torn", document)
    await sound(shop)
    await agree(manager, refund)
    await shop.hear(again=True)
    (now,) = await shop.refunds(sale.id)
    assert (now.state, now.approved_by) == ("completed" if method == "cash" else "pending", manager.id)
    if method == "mpesa":
        now = await finish(shop, refund.id)
    assert (now.sale_status, await level(shop, tea)) == ("partly_refunded", (9, 0, 45_000))
    await sound(shop)


@pytest.mark.parametrize("word", ["no", "nothing"])
async def test_without_a_second_persons_word_nothing_happens(shop: TradingShop, owner_dsn: str, word: str):
    cashier, manager = await limited(shop)
    sale = await shop.sell((await tea_of(shop), 2), tenders=[cash(2 * PRICE)])
    refund = await cashier.shop.refund(sale)
    approval_id = refund.approval_id
    assert approval_id is not None
    if word == "no":
        await manager.shop.run(lambda uow: reject(uow, approval_id))
    else:
        clock = FrozenClock(refund.created_at + timedelta(hours=24))
        later = await Database(owner_dsn, wiring=shop.database.wiring, clock=clock).open()
        await later.run(lambda uow: expire_approval(uow, approval_id), business_id=shop.business_id)
        await later.close()
    await shop.hear()
    await shop.hear(again=True)
    (now,) = await shop.refunds(sale.id)
    reason = "approval.rejected" if word == "no" else "approval.expired"
    assert (now.state, now.end_reason, now.sale_status) == ("rejected", reason, "completed")
    assert (await cashier.shop.refund(sale, (0, 1))).state == "completed", "what was held is free again"
    await sound(shop)


async def test_an_approver_at_the_till_is_enough_and_is_somebody_else(shop: TradingShop):
    cashier, manager = await limited(shop)
    sale = await shop.sell((await tea_of(shop), 4), tenders=[cash(4 * PRICE)])
    refund = await cashier.shop.refund(sale, (0, 2), proven=manager.proven)
    assert (refund.state, refund.approved_by, refund.approval_id) == ("completed", manager.id, None)
    assert await audited(shop, refund.id) == ["approval.given_in_place", "refund.completed"]
    await refused(shop, OwnRequest, lambda: manager.shop.refund(sale, (0, 2), proven=manager.proven))
    await refused(shop, MayNotApprove, lambda: manager.shop.refund(sale, (0, 2), proven=cashier.proven))
    await sound(shop)


# -- void


async def test_a_void_undoes_a_sale_of_the_day(shop: TradingShop):
    tea = await tea_of(shop)
    before = await shop.balances()
    sale = await shop.sell((tea, 2), tenders=[cash(3_200), card(20_000)])
    void = await shop.void(sale.id)
    assert (void.kind, void.method, void.state, void.sale_status) == ("void", "as_paid", "completed", "voided")
    assert await shop.balances() == {**before, "tokens": 29, "tokens_used": 1}
    assert await level(shop, tea) == (10, 0, 50_000)
    assert (await audited(shop, sale.id))[-1] == "sale.voided"
    await refused(shop, errors.NotVoidable, lambda: shop.void(sale.id))
    await refused(shop, errors.NotRefundable, lambda: shop.refund(sale))
    await sound(shop)


async def test_what_is_not_whole_or_not_counted_is_not_voided(shop: TradingShop):
    tea = await tea_of(shop)
    touched = await shop.sell((tea, 2), tenders=[cash(2 * PRICE)])
    await shop.refund(touched, (0, 1))
    by_mpesa = await paid_by_mpesa(shop, tea)
    asked = await paid_by_mpesa(shop, tea)
    await shop.refund(asked, (0, 1), method="mpesa")
    waiting = await shop.sell(tea, tenders=[stk(PRICE)])
    for sale, refusal in (
        (touched, errors.NotVoidable),
        (by_mpesa, errors.VoidOfMpesa),
        (asked, errors.NotVoidable),
        (waiting, errors.NotVoidable),
    ):
        await refused(shop, refusal, lambda sale=sale: shop.void(sale.id))


async def test_the_next_business_day_is_too_late(shop: TradingShop, owner_dsn: str):
    _, manager = await limited(shop, 0)
    tea = await tea_of(shop)
    sale, late = [await shop.sell((tea, 1), tenders=[cash(PRICE)]) for _ in range(2)]
    waiting = await shop.void(late.id)
    assert waiting.state == "awaiting_approval"
    clock = FrozenClock(sale.created_at + timedelta(hours=23, minutes=59))
    tomorrow = await Database(owner_dsn, wiring=shop.database.wiring, clock=clock).open()
    local = TradingShop(tomorrow, shop.business_id, shop.actor)
    # The day begins at the very minute of the sale, so that the same day lasts until a minute before it.
    begins = sale.created_at + timedelta(hours=3)
    sql = "update businesses set day_starts_at = $2 where business_id = $1"
    await shop.run(lambda uow: uow.execute(sql, uow.tenant, begins.time().replace(second=0, microsecond=0)))
    assert (await local.void(sale.id, proven=manager.proven)).state == "completed"
    clock.advance(timedelta(minutes=2))
    third = await shop.sell((tea, 1), tenders=[cash(PRICE)])
    await refused(local, errors.VoidTooLate, lambda: local.void(third.id, proven=manager.proven))
    approving = Member(manager.person, TradingShop(tomorrow, shop.business_id, manager.shop.actor))
    clock.instant = late.created_at + timedelta(hours=23, minutes=59, seconds=59)
    await agree_late(approving, waiting, clock)
    (ended,) = await shop.refunds(late.id)
    assert (ended.state, ended.end_reason, ended.sale_status) == ("rejected", "sales.void_too_late", "completed")
    await tomorrow.close()
    await sound(shop)


async def agree_late(member: Member, refund: RefundView, clock: FrozenClock) -> None:
    """Agree within the life of the request, and have the news heard after the business day."""
    approval_id = refund.approval_id
    assert approval_id is not None
    await member.shop.run(lambda uow: approve(uow, approval_id, proven=member.proven))
    clock.advance(timedelta(minutes=5))
    await member.shop.hear()
