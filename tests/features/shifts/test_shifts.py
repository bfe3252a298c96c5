"""Shifts: one drawer for one person, counted blind, expected from what was booked; late facts settle it anew."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from payme.features.approvals import ApprovalApproved
from payme.features.businesses import TillNotFound
from payme.features.identity import Role
from payme.features.sales import AtTill, RefundSale, VoidSale, refund_sale, void_sale
from payme.features.sales.services.finish_refund import hear_of_approval as hear_of_refund_approval
from payme.features.shifts import (
    ShiftClosed,
    ShiftNotFound,
    ShiftNotYours,
    ShiftOfAnotherTill,
    ShiftView,
    move_cash,
    take_drawer,
)
from payme.features.shifts.errors import ShiftAlreadyOpen, ShiftExists
from payme.features.shifts.repository.shifts import Wanted
from payme.features.shifts.services.read_shifts import list_shifts
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.features.shifts.conftest import FLOAT, PRICE, Counter
from tests.trade import TradingShop, card, cash, stk
from tests.unchanged import refused


def stands(shift: ShiftView) -> tuple[Any, ...]:
    return shift.state, shift.expected_cents, shift.difference_cents, shift.variance


async def test_a_drawer_should_hold_its_float_and_what_moved_through_it(counter: Counter):
    shift = await counter.open()
    assert stands(shift) == ("open", None, None, "none")
    sale = await counter.sell(shift, cash(PRICE, received_cents=2 * PRICE))
    await counter.sell(shift, card(PRICE))
    await counter.sell(None)
    assert (sale.shift_id, sale.till_id) == (shift.id, shift.till_id)
    await counter.move(shift, "in", 7_000)
    await counter.move(shift, "out", 3_000)
    await counter.shop.refund(sale, (0, "0.5"), shift_id=shift.id)
    before = await counter.shop.balances()
    closed = await counter.close(shift, FLOAT + 10_000 + 4_000 - 5_000)
    assert stands(closed) == ("closed", FLOAT + 9_000, 0, "none")
    assert await counter.shop.balances() == before
    await counter.sound()


async def test_a_small_difference_is_booked_as_over_or_short(counter: Counter):
    for counted, over in ((FLOAT + PRICE - 200, -200), (FLOAT + PRICE + 150, 150)):
        shift = await counter.open()
        await counter.sell(shift)
        before = await counter.shop.balances()
        closed = await counter.close(shift, counted)
        assert stands(closed) == ("closed", FLOAT + PRICE, over, "booked")
        after = await counter.shop.balances()
        assert after["cash"] - before["cash"] == over
        assert after.get("cash_over_short", 0) - before.get("cash_over_short", 0) == -over
    await counter.sound()


async def test_a_large_difference_waits_for_a_second_person(counter: Counter):
    shift = await counter.open()
    await counter.sell(shift)
    before = await counter.shop.balances()
    closed = await counter.close(shift, FLOAT + PRICE - 201)
    assert stands(closed) == ("closed", FLOAT + PRICE, -201, "awaiting_approval")
    assert await counter.shop.balances() == before
    wanted = await counter.shop.rows("select id, kind, subject_id, amount_cents from approvals where business_id = $1")
    assert wanted == [(closed.approval_id, "variance", shift.id, 201)]
    assert stands(await counter.answer(closed, agreed=True, approval_id=new_id()))[-1] == "awaiting_approval"
    for _ in range(2):
        assert stands(await counter.answer(closed, agreed=True))[-1] == "booked"
    assert (await counter.shop.balances())["cash_over_short"] == 201
    await counter.sound()


async def test_what_nobody_agreed_to_is_not_booked(counter: Counter):
    shift = await counter.open()
    closed = await counter.close(shift, FLOAT - 5_000)
    assert stands(await counter.answer(closed, agreed=False))[-1] == "rejected"
    assert stands(await counter.answer(closed, agreed=True))[-1] == "rejected"
    assert "cash_over_short" not in await counter.shop.balances()
    await counter.sound()


async def late_sale(counter: Counter, shift: ShiftView, amount_cents: int) -> None:
    """Have a till tell afterwards of cash that was put in during a shift."""
    await counter.move(shift, "in", amount_cents, is_fact=True)


async def test_a_late_fact_is_recorded_and_settles_the_difference_anew(counter: Counter):
    shift = await counter.open()
    await counter.sell(shift)
    closed = await counter.close(shift, FLOAT + PRICE + 150)
    assert stands(closed) == ("closed", FLOAT + PRICE, 150, "booked")
    with pytest.raises(ShiftClosed):
        await counter.move(shift, "in", 150)
    await late_sale(counter, shift, 150)
    explained = await counter.shift(shift)
    assert (*stands(explained), explained.late_movements) == ("closed", FLOAT + PRICE + 150, 0, "none", 1)
    assert "cash_over_short" not in await counter.shop.balances()
    await late_sale(counter, shift, 5_000)
    short = await counter.shift(shift)
    assert stands(short) == ("closed", FLOAT + PRICE + 5_150, -5_000, "awaiting_approval")
    await late_sale(counter, shift, 1_000)
    again = await counter.shift(shift)
    assert (again.approval_id, again.difference_cents) == (short.approval_id, -6_000)
    assert stands(await counter.answer(again, agreed=True))[-1] == "booked"
    assert (await counter.shop.balances())["cash_over_short"] == 6_000
    await counter.sound()


async def test_what_a_till_gave_back_left_the_drawer_it_says(counter: Counter):
    shift = await counter.open()
    refunded, voided = await counter.sell(shift), await counter.sell(shift)
    await counter.close(shift, FLOAT)
    after = await counter.open()
    lines = [{"sale_line_id": refunded.lines[0].id, "quantity": Decimal(1)}]
    back = RefundSale.model_validate({"lines": lines, "reason": "Torn", "shift_id": shift.id})
    await refused(counter.shop, ShiftClosed, lambda: counter.shop.run(lambda uow: refund_sale(uow, refunded.id, back)))
    void = VoidSale(reason="Mistake", shift_id=shift.id)
    await refused(counter.shop, ShiftClosed, lambda: counter.shop.run(lambda uow: void_sale(uow, voided.id, void)))
    told = AtTill(datetime.now(UTC), is_handed_over=True, odd=[])
    await counter.shop.run(lambda uow: refund_sale(uow, refunded.id, back, till=told))
    await counter.shop.run(lambda uow: void_sale(uow, voided.id, void, till=told))
    settled = await counter.shift(shift)
    assert (*stands(settled), settled.late_movements) == ("closed", FLOAT, 0, "none", 2)
    assert stands(await counter.close(after, FLOAT)) == ("closed", FLOAT, 0, "none")
    await counter.sound()


async def test_what_is_agreed_to_later_leaves_the_drawer_that_stands_there(counter: Counter):
    await counter.shop.set_limits(refund_limit_cents=0)
    shift = await counter.open()
    sale = await counter.sell(shift)
    asked = await counter.shop.refund(sale, shift_id=shift.id)
    assert asked.state == "awaiting_approval"
    await counter.close(shift, FLOAT + PRICE)
    after = await counter.open()
    facts = {"subject_id": asked.approval_id, "kind": "refund", "about_id": asked.id, "decided_by": new_id()}
    await counter.shop.run(lambda uow: hear_of_refund_approval(uow, ApprovalApproved(**facts)))
    assert stands(await counter.close(after, FLOAT - PRICE)) == ("closed", FLOAT - PRICE, 0, "none")
    assert (await counter.shift(shift)).late_movements == 0


async def test_late_facts_at_once_are_all_counted(counter: Counter):
    shift = await counter.open()
    await counter.close(shift, FLOAT + 8_000)
    await asyncio.gather(*(late_sale(counter, shift, 1_000) for _ in range(8)))
    settled = await counter.shift(shift)
    assert (*stands(settled), settled.late_movements) == ("closed", FLOAT + 8_000, 0, "none", 8)
    await counter.sound()


async def test_a_close_sees_each_sale_or_leaves_it_late(counter: Counter):
    shift = await counter.open()

    async def sell() -> bool:
        try:
            await counter.sell(shift)
        except ShiftClosed:
            return False
        return True

    sold, closed = await asyncio.gather(
        asyncio.gather(*(sell() for _ in range(12))), counter.close(shift, FLOAT)
    )  # fmt: skip
    assert closed.expected_cents == FLOAT + PRICE * sum(sold)
    assert (await counter.shift(shift)).late_movements == 0
    await counter.sound()


async def test_a_till_has_one_open_shift_and_so_has_a_person(counter: Counter):
    shift = await counter.open()
    other = counter.shop.acting(Role.CASHIER)
    for by in (counter.shop, other):
        with pytest.raises(ShiftAlreadyOpen):
            await counter.open(by=by)
    opened = await asyncio.gather(
        *(counter.open(id=new_id(), by=counter.shop.acting(Role.CASHIER)) for _ in range(3)), return_exceptions=True
    )
    assert [type(each) for each in opened] == [ShiftAlreadyOpen] * 3
    assert await counter.shop.value("select count(*) from shifts where business_id = $1") == 1
    beside = await counter.open(by=other, is_fact=True)
    assert (beside.review, beside.state) == (["shifts.already_open"], "open")
    await counter.close(shift, FLOAT)
    assert (await counter.open()).review == []


async def test_the_same_opening_again_is_the_same_shift(counter: Counter):
    said = {"id": new_id()}
    opened = await counter.open(**said)
    assert await counter.open(**said) == opened
    assert await counter.open(**said, is_fact=True) == opened
    with pytest.raises(ShiftExists):
        await counter.open(**said, float_cents=1)
    with pytest.raises(TillNotFound):
        await counter.open(till_id=new_id())
    assert await counter.shop.value("select count(*) from shifts where business_id = $1") == 1


async def test_a_shift_is_its_own_persons_and_a_managers(counter: Counter):
    mine = counter.shop.acting(Role.CASHIER)
    shift = await counter.open(by=mine)
    stranger, manager = counter.shop.acting(Role.CASHIER), counter.shop.acting(Role.MANAGER)
    await refused(counter.shop, ShiftNotYours, lambda: counter.sell(shift, by=stranger))
    await refused(counter.shop, ShiftNotYours, lambda: counter.close(shift, FLOAT, by=stranger))
    await counter.sell(shift, by=mine)
    await counter.sell(shift, by=manager)
    closed = await counter.close(shift, FLOAT + 2 * PRICE, by=manager)
    assert (closed.counted_by, closed.opened_by) == (manager.actor.id, mine.actor.id)
    await refused(counter.shop, ShiftClosed, lambda: counter.sell(shift, by=mine))
    await refused(counter.shop, ShiftClosed, lambda: counter.close(shift, FLOAT, by=mine))
    assert await counter.close(shift, 5, by=mine, is_fact=True) == closed
    await refused(counter.shop, ShiftNotFound, lambda: counter.sell(closed.model_copy(update={"id": new_id()})))
    another = await counter.open()
    await refused(
        counter.shop,
        ShiftOfAnotherTill,
        lambda: counter.shop.run(lambda uow: take_drawer(uow, another.id, till_id=new_id())),
    )


async def test_a_fact_is_noted_for_what_it_would_be_refused(counter: Counter):
    shift = await counter.open()
    await counter.close(shift, FLOAT)
    stranger = counter.shop.acting(Role.CASHIER)

    async def take(uow: UnitOfWork) -> tuple[str, ...]:
        drawer = await take_drawer(uow, shift.id, till_id=new_id(), is_fact=True)
        await move_cash(uow, drawer, [])
        return drawer.review

    assert await stranger.run(take) == ("shifts.closed", "shifts.not_yours", "shifts.other_till")
    assert (await counter.shift(shift)).late_movements == 0


async def test_cash_of_a_waiting_sale_lies_in_the_drawer_and_goes_back_out_of_it(counter: Counter):
    shift = await counter.open()
    sale = await counter.sell(shift, cash(4_000), stk(6_000))
    (prompt,) = [each for each in sale.payments if each.method == "mpesa_stk"]
    await counter.shop.accept(prompt.id)
    await counter.shop.fails(prompt.id)
    closed = await counter.close(shift, FLOAT + 4_000)
    assert stands(closed) == ("closed", FLOAT + 4_000, 0, "none")
    after = await counter.open()
    await counter.shop.cancel(sale.id)
    assert stands(await counter.close(after, FLOAT - 4_000)) == ("closed", FLOAT - 4_000, 0, "none")
    assert (await counter.shift(shift)).late_movements == 0
    await counter.sound()


async def test_a_sale_is_paid_on_into_the_drawer_of_its_shift(counter: Counter):
    shift = await counter.open()
    sale = await counter.sell(shift, cash(4_000), stk(6_000))
    (prompt,) = [each for each in sale.payments if each.method == "mpesa_stk"]
    await counter.shop.accept(prompt.id)
    await counter.shop.fails(prompt.id)
    await counter.shop.pay(sale.id, **cash(6_000))
    voided = await counter.sell(shift)
    await counter.shop.void(voided.id, shift_id=shift.id)
    assert stands(await counter.close(shift, FLOAT + PRICE)) == ("closed", FLOAT + PRICE, 0, "none")
    await counter.sound()


async def test_shifts_are_listed_newest_first(counter: Counter):
    first = await counter.open()
    await counter.close(first, FLOAT)
    second = await counter.open()

    async def listed(wanted: Wanted, limit: int = 10, after: list[Any] | None = None) -> list[Any]:
        found = await counter.shop.run(lambda uow: list_shifts(uow, after, limit, wanted=wanted))
        return [each.id for each in found]

    assert await listed(Wanted()) == [second.id, first.id]
    assert await listed(Wanted(), after=[second.opened_at.isoformat(), str(second.id)]) == [first.id]
    assert await listed(replace(Wanted(), state=second.state)) == [second.id]
    assert await listed(Wanted(till_id=new_id())) == await listed(Wanted(opened_by=new_id())) == []


async def test_another_shops_shift_is_nowhere(counter: Counter, other_shop: TradingShop):
    shift = await counter.open()
    with pytest.raises(ShiftNotFound):
        await counter.close(shift, FLOAT, by=other_shop)
    assert (await counter.shift(shift)).state == "open"
