"""What goods that arrive settle first, and what is left of them; and the smaller decisions."""

from decimal import Decimal
from uuid import UUID

import pytest

from payme.features.inventory.rules import (
    LARGEST_COST_CENTS,
    Layer,
    Level,
    Settlement,
    fits_level,
    needs_approval,
    plan_arrival,
    suggested_order,
)
from payme.kit.quantity import LARGEST

FIRST, SECOND = UUID(int=1), UUID(int=2)


def test_without_anything_owed_all_of_it_becomes_the_batch():
    arrival = plan_arrival(Decimal(10), 100_005, owed=[])
    assert (arrival.left_quantity, arrival.left_cost_cents, arrival.variance_cents) == (10, 100_005, 0)
    assert arrival.unit_cost_cents == 10_001


def test_the_oldest_owed_layer_is_settled_first_at_what_it_cost():
    owed = [Layer(FIRST, Decimal(2), 180), Layer(SECOND, Decimal(5), 450)]
    arrival = plan_arrival(Decimal(4), 400, owed=owed)
    assert arrival.settlements == (Settlement(FIRST, Decimal(2), 180, 200), Settlement(SECOND, Decimal(2), 180, 200))
    assert (arrival.left_quantity, arrival.left_cost_cents) == (0, 0)
    assert arrival.variance_cents == 40


def test_goods_cheaper_than_thought_give_a_negative_variance():
    assert plan_arrival(Decimal(3), 210, owed=[Layer(FIRST, Decimal(1), 100)]).variance_cents == -30


def test_settled_and_left_parts_add_up_to_the_cost():
    owed = [Layer(FIRST, Decimal(1), 0), Layer(SECOND, Decimal(1), 0)]
    arrival = plan_arrival(Decimal(7), 100, owed=owed)
    assert [each.actual_cents for each in arrival.settlements] == [14, 15]
    assert arrival.left_cost_cents == 71


@pytest.mark.parametrize(("cost", "needed"), [(0, False), (200_000, False), (200_001, True)])
def test_a_write_off_above_the_limit_needs_approval(cost: int, needed: bool):
    assert needs_approval(cost, 200_000) is needed


@pytest.mark.parametrize(
    ("available", "sold", "suggested"), [("2", "30", 38), ("-4", "0.5", 15), ("10", "0", 0), ("12", "0", 0)]
)
def test_the_suggestion_covers_the_reorder_point_and_recent_sales(available: str, sold: str, suggested: int):
    assert suggested_order(Decimal(available), reorder_point=Decimal(10), sold_recently=Decimal(sold)) == suggested


@pytest.mark.parametrize(
    ("quantity", "cost_cents", "fits"),
    [("2", LARGEST_COST_CENTS, True), ("2.001", 0, False), ("2", LARGEST_COST_CENTS + 1, False)],
)
def test_a_level_takes_what_can_still_be_counted(quantity: str, cost_cents: int, fits: bool):
    level = Level(FIRST, LARGEST - 2, Decimal(0), 0)
    assert fits_level(level, Decimal(quantity), cost_cents=cost_cents) is fits
