"""Which batches a quantity comes from, and what it costs."""

from decimal import Decimal
from uuid import UUID

import pytest

from payme.features.inventory import StockFacts, Take, Wanted, find_shortages, parse_stock, plan_take
from payme.features.inventory.rules import Layer, Level, Shortage

TEA, MILK = UUID(int=1), UUID(int=2)
OLD, NEW = UUID(int=11), UUID(int=12)


def facts(*batches: tuple[UUID, str, int], reserved: str = "0", owed: str = "0", unit_cost: int = 0) -> StockFacts:
    layers = tuple(Layer(batch_id, Decimal(quantity), cost) for batch_id, quantity, cost in batches)
    on_hand = sum((layer.quantity for layer in layers), Decimal(0)) - Decimal(owed)
    return StockFacts({TEA: Level(TEA, on_hand, Decimal(reserved), unit_cost)}, {TEA: layers})


def want(*quantities: str, product_id: UUID = TEA) -> list[Wanted]:
    return [Wanted(product_id, Decimal(quantity)) for quantity in quantities]


def test_the_oldest_batch_goes_first():
    plan = plan_take(want("15"), facts((OLD, "10", 100_000), (NEW, "10", 130_000)))
    assert plan.takes == (Take(TEA, OLD, Decimal(10), 100_000), Take(TEA, NEW, Decimal(5), 65_000))
    assert (plan.cost_cents, plan.line_costs) == (165_000, (165_000,))


def test_lines_of_one_product_share_its_batches_in_their_order():
    plan = plan_take(want("8", "4", "3"), facts((OLD, "10", 100_000), (NEW, "10", 130_000)))
    assert plan.line_costs == (80_000, 46_000, 39_000)
    assert [take.quantity for take in plan.takes] == [10, 5], "one take a batch, however many lines drew on it"
    assert plan.cost_cents == sum(plan.line_costs)


def test_the_last_unit_takes_the_remaining_cents():
    layer, costs = Layer(OLD, Decimal(3), 100), []
    while layer.quantity:
        plan = plan_take(want("1"), facts((OLD, str(layer.quantity), layer.cost_cents)))
        costs.append(plan.cost_cents)
        layer = Layer(OLD, layer.quantity - 1, layer.cost_cents - plan.cost_cents)
    assert (costs, sum(costs), layer.cost_cents) == ([33, 34, 33], 100, 0)


def test_fractions_are_costed_by_weight():
    plan = plan_take(want("0.125"), facts((OLD, "1.500", 10_000)))
    assert plan.cost_cents == 833


def test_nothing_is_taken_when_anything_is_short():
    plan = plan_take([*want("2"), *want("1", product_id=MILK)], facts((OLD, "5", 500)))
    assert plan.short == (Shortage(MILK, Decimal(1), Decimal(0)),)
    assert (plan.takes, plan.line_costs) == ((), ())


def test_lines_of_one_product_are_short_together():
    assert plan_take(want("3", "3"), facts((OLD, "5", 500))).short == (Shortage(TEA, Decimal(6), Decimal(5)),)


@pytest.mark.parametrize(
    ("reserved", "use_reserved", "short"), [("1", False, True), ("1", True, False), ("0", False, False)]
)
def test_what_is_set_aside_is_for_its_own_cause(reserved: str, use_reserved: bool, short: bool):
    plan = plan_take(want("5"), facts((OLD, "5", 500), reserved=reserved), use_reserved=use_reserved)
    assert bool(plan.short) is short
    assert bool(find_shortages(want("5"), facts((OLD, "5", 500), reserved=reserved))) is (reserved == "1")


def test_what_the_batches_lack_is_owed_at_the_last_unit_cost():
    plan = plan_take(want("1", "4"), facts((OLD, "3", 100), unit_cost=45), allow_owed=True)
    assert plan.takes == (Take(TEA, OLD, Decimal(3), 100), Take(TEA, None, Decimal(2), 90))
    assert plan.line_costs == (33, 67 + 90)


def test_more_is_owed_on_top_of_what_is_owed():
    plan = plan_take(want("2"), facts(owed="3", unit_cost=50), allow_owed=True)
    assert plan.takes == (Take(TEA, None, Decimal(2), 100),)
    assert plan_take(want("2"), facts(owed="3")).short == (Shortage(TEA, Decimal(2), Decimal(-3)),)


def test_the_locked_rows_are_read_in_their_order():
    layers = [[str(NEW), "1.000", 60], [str(OLD), "1.500", 105]]
    read = parse_stock([[str(TEA), "2.500", "1.000", 70, layers]])
    assert read.levels[TEA].available == Decimal("1.5")
    assert [layer.id for layer in read.batches[TEA]] == [NEW, OLD]
