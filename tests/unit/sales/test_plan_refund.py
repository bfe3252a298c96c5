"""What goes back of a sale adds up to what was sold and paid, whatever the parts, and never to more."""

from datetime import UTC, datetime, time
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.features.sales.enums import RefundMethod, Restock, SaleStatus
from payme.features.sales.errors import (
    CreditNotePaidPart,
    MpesaPaidLess,
    NothingToCredit,
    NotRefundable,
    NotVoidable,
    RefundTooMuch,
    SaleLineNotFound,
    VoidOfMpesa,
    VoidTooLate,
)
from payme.features.sales.rules.refunds import (
    Left,
    Plan,
    Wish,
    after_refund,
    check_method,
    check_refundable,
    check_same_day,
    check_voidable,
    everything,
    needs_approval,
    plan_refund,
)
from payme.kit.ids import new_id


def line(
    quantity: str = "3", amount: int = 10_000, vat: int = 1_379, cost: int = 5_000, *, track_stock: bool = True
) -> Left:
    return Left(new_id(), 1, new_id(), Decimal(quantity), amount, vat, cost, track_stock)


def rest_of(left: Left, plan: Plan) -> Left:
    """Return a line less what a plan takes of it, as the database would say it."""
    mine = [each for each in plan.returns if each.sale_line_id == left.id]
    return Left(
        left.id, left.line_number, left.product_id, left.quantity - sum(each.quantity for each in mine),
        left.amount_cents - sum(each.amount_cents for each in mine), left.vat_cents - sum(each.vat_cents for each in mine),
        left.cost_cents - sum(each.cost_cents for each in mine), left.track_stock,
    )  # fmt: skip


def test_the_last_unit_takes_the_remainder_of_amount_vat_and_cost():
    left, paid, seen = line(), 10_000, []
    for _ in range(3):
        plan = plan_refund([left], [Wish(left.id, Decimal(1), to_shelf=True)], left_to_pay_back_cents=paid)
        seen.append((plan.amount_cents, plan.vat_cents, plan.cost_cents))
        left, paid = rest_of(left, plan), paid - plan.amount_cents
    assert seen == [(3_333, 460, 1_667), (3_334, 460, 1_667), (3_333, 459, 1_666)]
    assert tuple(map(sum, zip(*seen, strict=True))) == (10_000, 1_379, 5_000)


@pytest.mark.parametrize("rounding", [40, -40])
def test_rounding_goes_back_with_the_part_that_completes_the_return(rounding: int):
    left, paid = line("2", 11_000, 0, 0), 11_000 + rounding
    one = [Wish(left.id, Decimal(1), to_shelf=True)]
    first = plan_refund([left], one, left_to_pay_back_cents=paid)
    second = plan_refund([rest_of(left, first)], one, left_to_pay_back_cents=paid - first.amount_cents)
    assert [(each.amount_cents, each.rounding_cents) for each in (first, second)] == [
        (5_500, 0),
        (5_500 + rounding, rounding),
    ]


def test_no_part_takes_more_than_is_left_to_pay_back():
    left = line("1000", 1_040, 0, 0)
    first = plan_refund([left], [Wish(left.id, Decimal(999), to_shelf=True)], left_to_pay_back_cents=1_000)
    assert (first.amount_cents, first.rounding_cents) == (1_000, -39)
    last = plan_refund([rest_of(left, first)], [Wish(left.id, Decimal(1), to_shelf=True)], left_to_pay_back_cents=0)
    assert (last.amount_cents, last.rounding_cents) == (0, -1)


def test_parts_of_one_line_in_one_refund_go_different_ways():
    left = line("3", 9_000, 0, 3_000)
    wishes = [Wish(left.id, Decimal(1), to_shelf=True), Wish(left.id, Decimal(2), to_shelf=False)]
    plan = plan_refund([left], wishes, left_to_pay_back_cents=9_000)
    assert [(each.quantity, each.amount_cents, each.cost_cents, each.restock) for each in plan.returns] == [
        (1, 3_000, 1_000, Restock.SHELF),
        (2, 6_000, 2_000, Restock.SPOILAGE),
    ]
    with pytest.raises(RefundTooMuch) as caught:
        plan_refund([left], [*wishes, wishes[0]], left_to_pay_back_cents=9_000)
    assert caught.value.facts == {"sale_line_id": left.id, "wanted": "1", "refundable": "0"}


def test_goods_without_stock_go_nowhere():
    left = line(track_stock=False)
    for to_shelf in (True, False):
        plan = plan_refund([left], [Wish(left.id, Decimal(1), to_shelf=to_shelf)], left_to_pay_back_cents=10_000)
        assert [each.restock for each in plan.returns] == [Restock.NONE]


def test_a_line_of_another_sale_is_not_found():
    with pytest.raises(SaleLineNotFound):
        plan_refund([line()], [Wish(new_id(), Decimal(1), to_shelf=True)], left_to_pay_back_cents=10_000)


LINES = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 50_000), st.integers(0, 40_000)), min_size=1, max_size=4)


@given(LINES, st.integers(-49, 49), st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), max_size=12))
def test_any_parts_and_then_the_rest_add_up_to_the_cent(
    sold: list[tuple[int, int, int]], rounding: int, steps: list[tuple[int, int]]
):
    lines = [line(str(quantity), amount, amount * 4 // 29, cost) for quantity, amount, cost in sold]
    paid = max(0, sum(each.amount_cents for each in lines) + rounding)
    given_back, vat, cost, left = 0, 0, 0, list(lines)
    steps = [*steps, *((place, 0) for place in range(len(lines)))]
    for place, wanted in steps:
        each = left[place % len(left)]
        quantity = min(Decimal(wanted or each.quantity), each.quantity)
        if not quantity:
            continue
        plan = plan_refund(left, [Wish(each.id, quantity, to_shelf=True)], left_to_pay_back_cents=paid - given_back)
        assert plan.amount_cents >= 0
        assert min(min(part.amount_cents, part.vat_cents, part.cost_cents) for part in plan.returns) >= 0
        given_back, vat, cost = given_back + plan.amount_cents, vat + plan.vat_cents, cost + plan.cost_cents
        assert given_back <= paid
        left = [rest_of(other, plan) for other in left]
    assert (given_back, vat, cost) == (
        paid, sum(each.vat_cents for each in lines), sum(each.cost_cents for each in lines),
    )  # fmt: skip


def test_everything_is_all_that_is_left():
    lines = [line("3"), line("0.5")]
    assert everything(lines) == [Wish(each.id, each.quantity, to_shelf=True) for each in lines]


@pytest.mark.parametrize("status", SaleStatus)
def test_what_may_go_back(status: SaleStatus):
    if status in {SaleStatus.COMPLETED, SaleStatus.PARTLY_REFUNDED}:
        check_refundable(status)
    else:
        with pytest.raises(NotRefundable):
            check_refundable(status)
    if status == SaleStatus.COMPLETED:
        check_voidable(status, methods=["cash", "card_recorded"], has_refunds=False)
    else:
        with pytest.raises(NotVoidable):
            check_voidable(status, methods=["cash"], has_refunds=False)


def test_only_a_whole_sale_that_was_counted_is_voided():
    with pytest.raises(NotVoidable):
        check_voidable(SaleStatus.COMPLETED, methods=["cash"], has_refunds=True)
    with pytest.raises(VoidOfMpesa):
        check_voidable(SaleStatus.COMPLETED, methods=["cash", "mpesa_stk"], has_refunds=False)


@pytest.mark.parametrize(
    ("sold", "now", "same"),
    [
        ("2026-11-20T21:00", "2026-11-21T20:59", True),
        ("2026-11-20T20:59", "2026-11-20T21:00", False),
        ("2026-11-20T22:30", "2026-11-21T00:30", True),
    ],
)
def test_a_business_day_is_nairobis(sold: str, now: str, same: bool):
    instants = [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (sold, now)]
    if same:
        check_same_day(*instants, day_starts_at=time(0))
        return
    with pytest.raises(VoidTooLate):
        check_same_day(*instants, day_starts_at=time(0))


def test_a_business_day_begins_when_the_business_says():
    sold, now = datetime(2026, 11, 20, 20, 0, tzinfo=UTC), datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    check_same_day(sold, now, day_starts_at=time(4))
    with pytest.raises(VoidTooLate):
        check_same_day(sold, now, day_starts_at=time(1))


def test_by_mpesa_goes_back_what_came_by_mpesa():
    check_method(RefundMethod.CASH, 0, left_by_mpesa_cents=0, left_in_money_cents=0)
    check_method(RefundMethod.MPESA, 5_000, left_by_mpesa_cents=5_000, left_in_money_cents=5_000)
    for amount, left in ((5_001, 5_000), (0, 5_000), (1, 0)):
        with pytest.raises(MpesaPaidLess):
            check_method(RefundMethod.MPESA, amount, left_by_mpesa_cents=left, left_in_money_cents=9_000)


def test_what_a_credit_note_paid_never_goes_back_in_money():
    for method in (RefundMethod.CASH, RefundMethod.MPESA):
        check_method(method, 5_000, left_by_mpesa_cents=9_000, left_in_money_cents=5_000)
        with pytest.raises(CreditNotePaidPart) as caught:
            check_method(method, 5_001, left_by_mpesa_cents=9_000, left_in_money_cents=5_000)
        assert caught.value.facts == {"amount_cents": 5_001, "refundable_cents": 5_000}
    check_method(RefundMethod.CREDIT_NOTE, 5_001, left_by_mpesa_cents=0, left_in_money_cents=0)
    with pytest.raises(NothingToCredit):
        check_method(RefundMethod.CREDIT_NOTE, 0, left_by_mpesa_cents=0, left_in_money_cents=5_000)


def test_the_limit_itself_needs_nobody():
    assert [needs_approval(amount, 100_000) for amount in (99_999, 100_000, 100_001)] == [False, False, True]


def test_a_sale_is_refunded_when_every_unit_went_back():
    one, two = new_id(), new_id()
    sold: dict[UUID, Decimal] = {one: Decimal(2), two: Decimal("0.5")}
    assert after_refund(sold, {one: Decimal(2), two: Decimal("0.500")}) == SaleStatus.REFUNDED
    assert after_refund(sold, {one: Decimal(2), two: Decimal("0.499")}) == SaleStatus.PARTLY_REFUNDED
    assert after_refund(sold, {one: Decimal(2)}) == SaleStatus.PARTLY_REFUNDED
