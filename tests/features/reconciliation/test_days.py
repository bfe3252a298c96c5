"""A day, reconciled: what fits is silent, what does not is named, and again is the next run of the same day."""

from datetime import timedelta

import pytest

from payme.features import ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.reconciliation.errors import DayAhead
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.features.sales.test_late_refund import denied, left_after_all
from tests.invariants import assert_invariants
from tests.reconciled import PRICE, Desk
from tests.trade import TradingShop, by_note, card, cash, new_receipt, stk
from tests.unchanged import refused


async def traded(desk: Desk) -> None:
    """Sell for cash, by card, by M-Pesa; refund; cancel a split sale, so that its cash goes back."""
    shop, tea = desk.shop, desk.tea
    sold = await shop.sell((tea, 3), tenders=[cash(3 * PRICE)])
    await shop.refund(sold, (0, 1))
    await shop.sell((tea, 2), tenders=[cash(PRICE), card(PRICE)])
    by_phone = await shop.sell(tea, tenders=[stk(PRICE)])
    await shop.paid(by_phone.payments[0].id, PRICE)
    split = await shop.sell((tea, 2), tenders=[cash(PRICE), stk(PRICE)])
    await shop.fails(next(each.id for each in split.payments if each.method == "mpesa_stk"))
    await shop.cancel(split.id)
    voided = await shop.sell(tea, tenders=[cash(PRICE)])
    await shop.void(voided.id)


async def test_a_day_that_fits_is_accounted_for(desk: Desk):
    await traded(desk)
    await desk.count(5 * PRICE, float_cents=2 * PRICE)
    view = await desk.run()
    assert await desk.named(view) == []
    assert (view.is_accounted_for, view.verdict, view.run) == (True, "Every shilling is accounted for.", 1)
    totals = {each.account.value: each for each in view.totals}
    assert (totals["cash"].ledger_cents, totals["cash"].counted_cents, totals["cash"].statement_cents) == (
        3 * PRICE, 3 * PRICE, None,
    )  # fmt: skip
    assert (totals["card"].sales_cents, totals["card"].documents_cents, totals["card"].ledger_cents) == (PRICE,) * 3
    assert (totals["mpesa"].sales_cents, totals["mpesa"].ledger_cents) == (PRICE, PRICE)
    assert [(each.received_cents, each.applied_cents, each.is_whole) for each in view.sums] == [(PRICE, PRICE, True)]
    lines = await desk.lines(view)
    assert sum(line.ledger_cents or 0 for line in lines if line.account == "cash") == 3 * PRICE
    assert [line.position for line in lines] == list(range(1, len(lines) + 1))
    assert [line.occurred_at for line in lines] == sorted(line.occurred_at for line in lines)


async def test_cash_that_nobody_counted_is_named_whatever_the_threshold(desk: Desk):
    await desk.shop.sell(desk.tea, tenders=[cash(PRICE)])
    view = await desk.run()
    assert await desk.named(view) == [("cash_not_counted", -PRICE, "needs_closing")]
    await desk.count(PRICE)
    again = await desk.run()
    assert (again.id, again.run, again.is_accounted_for) == (view.id, 2, True)
    assert await desk.named(again) == [("cash_not_counted", -PRICE, "resolved")]
    sql = "select facts ->> 'reason' from audit_log where business_id = $1 and action = 'difference.resolved'"
    assert await desk.shop.rows(sql) == [("settled",)]


@pytest.mark.parametrize(
    ("off", "kind", "state"),
    [
        (-200, "cash_short", "within_threshold"),
        (-201, "cash_short", "needs_closing"),
        (200, "cash_over", "within_threshold"),
        (201, "cash_over", "needs_closing"),
    ],
)
async def test_two_per_cent_of_cash_are_forgiven_and_still_named(desk: Desk, off: int, kind: str, state: str):
    await desk.shop.sell(desk.tea, tenders=[cash(PRICE)])
    await desk.count(PRICE + off)
    view = await desk.run()
    assert await desk.named(view) == [(kind, off, state)]
    assert (view.is_accounted_for, view.needs_closing) == (False, int(state == "needs_closing"))
    assert ("within the shop's limits" in view.verdict) is (state == "within_threshold")


async def test_a_new_count_replaces_the_difference_of_the_old_one(desk: Desk):
    await desk.shop.sell(desk.tea, tenders=[cash(PRICE)])
    await desk.count(0)
    await desk.run()
    await desk.count(PRICE - 5_000)
    assert await desk.named(await desk.run()) == [
        ("cash_short", -PRICE, "resolved"),
        ("cash_short", -5_000, "needs_closing"),
    ]


async def test_money_in_the_tray_and_money_on_a_word_are_named(desk: Desk):
    shop = desk.shop
    sold = await shop.sell(
        desk.tea, tenders=[{"method": "mpesa_claim", "amount_cents": PRICE, "mpesa_receipt_number": new_receipt()}]
    )
    assert sold.status == "completed"
    waiting = await shop.sell(desk.tea, tenders=[stk(PRICE)])
    await shop.accept(waiting.payments[0].id)
    cancelled = await shop.sell(desk.tea, tenders=[stk(PRICE)])
    await shop.fails(cancelled.payments[0].id)
    await shop.cancel(cancelled.id)
    await shop.paid(cancelled.payments[0].id, PRICE)
    view = await desk.run()
    assert await desk.named(view) == [
        ("claim_waiting", -PRICE, "needs_closing"),
        ("outcome_unknown", -PRICE, "needs_closing"),
        ("unclaimed", PRICE, "needs_closing"),
    ]
    totals = {each.account.value: each for each in view.totals}
    assert (totals["mpesa_to_confirm"].sales_cents, totals["mpesa_to_confirm"].ledger_cents) == (PRICE, PRICE)
    ((received, applied, unclaimed),) = [
        (each.received_cents, each.applied_cents, each.unclaimed_cents) for each in view.sums
    ]
    assert (received, applied, unclaimed) == (PRICE, 0, PRICE)
    await assert_invariants(shop.database, shop.business_id)


async def test_credit_notes_given_spent_and_given_back_are_accounted_for(desk: Desk):
    shop, tea = desk.shop, desk.tea
    sold = await shop.sell((tea, 3), tenders=[cash(3 * PRICE)])
    await shop.refund(sold, (0, 2), method="credit_note")
    (note,) = await shop.credit_notes()
    kept = await shop.sell(tea, tenders=[by_note(note, PRICE // 2), cash(PRICE // 2)])
    voided = await shop.sell((tea, 2), tenders=[by_note(note, PRICE), card(PRICE)])
    await shop.void(voided.id)
    cancelled = await shop.sell((tea, 2), tenders=[by_note(note, PRICE), stk(PRICE)])
    await shop.fails(next(each.id for each in cancelled.payments if each.method == "mpesa_stk"))
    await shop.cancel(cancelled.id)
    await desk.count(3 * PRICE + PRICE // 2)
    view = await desk.run()
    assert (await desk.named(view), view.is_accounted_for) == ([], True)
    totals = {each.account.value: each for each in view.totals}
    owed = totals["credit_notes"]
    assert (owed.sales_cents, owed.documents_cents, owed.ledger_cents) == (-3 * PRICE // 2,) * 3
    assert owed.lines == 6
    assert {line.subject_id for line in await desk.lines(view)} >= {each.id for each in kept.payments}


async def test_a_posting_that_no_document_explains_is_named(desk: Desk):
    stray = new_id()
    posting = Posting("hand.made", AccountCode.OWNER_EQUITY, AccountCode.CASH, 700, stray)

    async def work(uow: UnitOfWork) -> None:
        ledger.post(uow, [posting])

    await desk.shop.run(work)
    await desk.count(700)
    view = await desk.run()
    assert await desk.named(view) == [("posting_unexplained", 700, "needs_closing")]
    (found,) = await desk.found(view)
    assert (found.subject_id, found.sentence) == (stray, "The books show a movement that no document explains.")


async def test_a_day_ahead_is_refused(desk: Desk):
    tomorrow = desk.today + timedelta(days=1)
    await refused(desk.shop, DayAhead, lambda: desk.run(tomorrow))


async def test_another_day_has_nothing_of_this_one(desk: Desk):
    await traded(desk)
    view = await desk.run(desk.today - timedelta(days=1))
    assert (view.totals, await desk.lines(view), view.open_differences) == ([], [], 0)


async def test_another_shop_sees_nothing_of_it(desk: Desk, other_shop: TradingShop):
    await traded(desk)
    theirs = Desk(other_shop, desk.tea)
    view = await theirs.run()
    assert (view.totals, view.sums, await theirs.lines(view)) == ([], [], [])


async def test_a_payout_that_left_for_nothing_is_named_and_nothing_else_is(desk: Desk):
    sold = await desk.shop.sell((desk.tea, 2), tenders=[stk(2 * PRICE)])
    await desk.shop.paid(sold.payments[0].id, 2 * PRICE)
    first = await desk.shop.refund(sold, (0, 2), method="mpesa")
    payout_id = await denied(desk.shop, first)
    await desk.shop.refund(sold, (0, 2))
    await left_after_all(desk.shop, first, payout_id)
    view = await desk.run()
    named = await desk.named(view)
    assert [each for each in named if each[0] != "cash_not_counted"] == [("overpaid_out", -2 * PRICE, "needs_closing")]
    assert {each.subject_id for each in await desk.found(view) if each.kind == "overpaid_out"} == {payout_id}
    await assert_invariants(desk.shop.database, desk.shop.business_id)
