"""What shifts counted is the day's count; what they have booked themselves is no difference any more."""

from typing import Any

from payme.features.shifts import CloseShift, MoveDrawer, OpenShift, ShiftView, close_shift, move_drawer, open_shift
from tests.invariants import assert_invariants
from tests.reconciled import PRICE, Desk
from tests.trade import cash

FLOAT = 50_000


async def work_a_shift(desk: Desk, counted_cents: int | None, *, sales: int = 1) -> ShiftView:
    """Sell in a shift and take a little out; count, or leave it open."""
    shift = await desk.shop.run(lambda uow: open_shift(uow, OpenShift(float_cents=FLOAT)))
    for _ in range(sales):
        await desk.shop.sell(desk.tea, tenders=[cash(PRICE)], shift_id=shift.id)
    out = MoveDrawer.model_validate({"direction": "out", "amount_cents": 1_000, "reason": "To the owner"})
    await desk.shop.run(lambda uow: move_drawer(uow, shift.id, out))
    if counted_cents is None:
        return shift
    return await desk.shop.run(lambda uow: close_shift(uow, shift.id, CloseShift(counted_cents=counted_cents)))


async def differences(desk: Desk) -> list[Any]:
    view = await desk.run()
    cash_total = next(each for each in view.totals if each.account == "cash")
    assert cash_total.documents_cents == cash_total.ledger_cents
    return [cash_total.counted_cents, *(each for each in await desk.named(view) if each[2] != "resolved")]


async def test_shifts_that_fit_leave_nothing_to_count(desk: Desk):
    await work_a_shift(desk, FLOAT + PRICE - 1_000)
    await work_a_shift(desk, FLOAT + 2 * PRICE - 1_000, sales=2)
    assert await differences(desk) == [3 * PRICE - 2_000]
    await assert_invariants(desk.shop.database, desk.shop.business_id)


async def test_what_a_shift_has_booked_is_settled(desk: Desk):
    shift = await work_a_shift(desk, FLOAT + PRICE - 1_100)
    assert (shift.difference_cents, shift.variance) == (-100, "booked")
    assert await differences(desk) == [PRICE - 1_100]
    await assert_invariants(desk.shop.database, desk.shop.business_id)


async def test_what_nobody_has_agreed_to_is_the_days_difference(desk: Desk):
    shift = await work_a_shift(desk, FLOAT + PRICE - 3_000)
    assert shift.variance == "awaiting_approval"
    assert await differences(desk) == [PRICE - 3_000, ("cash_short", -2_000, "needs_closing")]


async def test_a_drawer_that_is_still_open_is_not_counted(desk: Desk):
    await work_a_shift(desk, FLOAT + PRICE - 1_100)
    shift = await work_a_shift(desk, None)
    await desk.shop.sell(desk.tea, tenders=[cash(PRICE)])
    assert await differences(desk) == [None, ("cash_not_counted", -(3 * PRICE - 2_000), "needs_closing")]
    await desk.count(FLOAT + 3 * PRICE - 2_100, float_cents=FLOAT)
    assert await differences(desk) == [3 * PRICE - 2_100]
    assert shift.state == "open"
