"""Whatever comes in and goes out, in whatever order: movements, layers and levels are equal, to the cent."""

from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payme.features.inventory.errors import StockShort
from payme.features.inventory.rules import Layer, Level, StockFacts, Take, Wanted, plan_arrival, plan_take
from payme.kit.ids import new_id
from payme.runtime.database import Database
from tests.shop import open_shop
from tests.stock_room import adjust, balance, check_stock, level, make_product, receive, sell, spoil

TEA = UUID(int=1)
QUANTITIES = st.decimals(min_value="0.001", max_value=20, places=3)
COSTS = st.integers(min_value=0, max_value=100_000)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), QUANTITIES, COSTS),
        st.tuples(st.sampled_from(["request", "fact", "spoil", "up", "down"]), QUANTITIES, st.just(0)),
    ),
    min_size=1,
    max_size=15,
)


@dataclass
class Shelf:
    """The stock room as lists: what is in batches, what is owed, and everything that ever moved."""

    batches: list[Layer] = field(default_factory=list[Layer])
    owed: list[Layer] = field(default_factory=list[Layer])
    moved: list[tuple[Decimal, int]] = field(default_factory=list[tuple[Decimal, int]])
    unit_cost: int = 0

    @property
    def on_hand(self) -> Decimal:
        return sum((each.quantity for each in self.batches), Decimal(0)) - sum(
            (each.quantity for each in self.owed), Decimal(0)
        )

    @property
    def value(self) -> int:
        return sum(each.cost_cents for each in self.batches) - sum(each.cost_cents for each in self.owed)

    def facts(self) -> StockFacts:
        return StockFacts({TEA: Level(TEA, self.on_hand, Decimal(0), self.unit_cost)}, {TEA: tuple(self.batches)})

    def bring_in(self, quantity: Decimal, cost: int) -> None:
        arrival = plan_arrival(quantity, cost, owed=self.owed)
        self.moved.append((quantity, cost))
        for each in arrival.settlements:
            place = next(place for place, layer in enumerate(self.owed) if layer.id == each.owed_id)
            layer = self.owed[place]
            self.owed[place] = Layer(
                layer.id, layer.quantity - each.quantity, layer.cost_cents - each.provisional_cents
            )
            self.moved.append((Decimal(0), each.provisional_cents - each.actual_cents))
        self.owed = [layer for layer in self.owed if layer.quantity or layer.cost_cents]
        if arrival.left_quantity or arrival.left_cost_cents:
            self.batches.append(Layer(new_id(), arrival.left_quantity, arrival.left_cost_cents))

    def take(self, take: Take) -> None:
        self.moved.append((-take.quantity, -take.cost_cents))
        if take.batch_id is None:
            self.owed.append(Layer(new_id(), take.quantity, take.cost_cents))
            return
        place = next(place for place, layer in enumerate(self.batches) if layer.id == take.batch_id)
        layer = self.batches[place]
        self.batches[place] = Layer(layer.id, layer.quantity - take.quantity, layer.cost_cents - take.cost_cents)
        self.batches = [layer for layer in self.batches if layer.quantity or layer.cost_cents]


@given(STEPS, st.lists(st.integers(min_value=1, max_value=5), min_size=1, max_size=4))
def test_rules_keep_the_equations(steps: list[tuple[str, Decimal, int]], shares: list[int]):
    shelf = Shelf()
    for kind, quantity, cost in steps:
        if kind in {"receive", "up"}:
            shelf.bring_in(quantity, cost)
        else:
            wanted = [Wanted(TEA, quantity * share) for share in shares]
            on_hand = shelf.on_hand
            plan = plan_take(wanted, shelf.facts(), allow_owed=kind == "fact")
            assert bool(plan.short) is (kind != "fact" and sum(each.quantity for each in wanted) > on_hand)
            assert plan.cost_cents == sum(plan.line_costs)
            for take in plan.takes:
                shelf.take(take)
        assert shelf.on_hand == sum(quantity for quantity, _ in shelf.moved)
        assert shelf.value == sum(cost for _, cost in shelf.moved)
        assert all(layer.quantity > 0 and layer.cost_cents >= 0 for layer in [*shelf.batches, *shelf.owed])
        assert not (shelf.batches and shelf.owed)


@given(st.integers(min_value=0, max_value=1_000_000), st.lists(QUANTITIES, min_size=1, max_size=10))
def test_a_batch_sold_in_parts_costs_what_it_cost(cost: int, parts: list[Decimal]):
    layer, seen = Layer(new_id(), sum(parts, Decimal(0)), cost), 0
    for part in parts:
        facts = StockFacts({TEA: Level(TEA, layer.quantity, Decimal(0), 0)}, {TEA: (layer,)})
        plan = plan_take([Wanted(TEA, part)], facts)
        assert abs(plan.cost_cents - layer.cost_cents * part / layer.quantity) <= Decimal("0.5")
        layer = Layer(layer.id, layer.quantity - part, layer.cost_cents - plan.cost_cents)
        seen += plan.cost_cents
    assert (seen, layer.quantity, layer.cost_cents) == (cost, 0, 0)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
async def test_the_database_keeps_the_equations(database: Database, steps: list[tuple[str, Decimal, int]]):
    shop = await open_shop(database)
    tea = await make_product(shop, buying_price_cents=70)
    booked = 0
    for kind, quantity, cost in steps:
        text = str(quantity)
        try:
            if kind == "receive":
                await receive(shop, tea, text, cost)
            elif kind in {"up", "down"}:
                await adjust(shop, tea, text if kind == "up" else f"-{text}")
            elif kind == "spoil":
                await spoil(shop, tea, text)
            else:
                booked += (await sell(shop, [(tea, text), (tea, text)], fact=kind == "fact")).cost_cents
        except StockShort:
            continue
        finally:
            await check_stock(shop)
    assert (await level(shop, tea))[2] == await balance(shop, "inventory") - booked, "sales book their own cost"
