"""Pure decisions about stock: which batches a quantity comes from and what it cost, and what an arrival settles.

A batch remembers the cost of what remains of it, so the last unit takes the remaining cents and nothing is lost to
rounding. Layers come in the order in which the repository reads them (first to expire, then first received); no order is
decided here.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any
from uuid import UUID

from payme.features.inventory.enums import MovementKind, SpoilageType
from payme.kit.ids import read_id
from payme.kit.money import allocate, divide_half_up, line_amount
from payme.kit.quantity import LARGEST, in_thousandths
from payme.kit.values import value

ZERO = Decimal(0)
LARGEST_COST_CENTS = 100_000_000_000_000


@value
class Level:
    """What is in the shop of one product, and how much of it is set aside."""

    product_id: UUID
    on_hand: Decimal
    reserved: Decimal
    last_unit_cost_cents: int

    @property
    def available(self) -> Decimal:
        """What may still be promised; negative when more was sold than received."""
        return self.on_hand - self.reserved


@value
class Layer:
    """What remains of a batch, or of a quantity that was sold before it was received."""

    id: UUID
    quantity: Decimal
    cost_cents: int


@value
class StockFacts:
    """Locked levels with their open batches, by product."""

    levels: Mapping[UUID, Level]
    batches: Mapping[UUID, tuple[Layer, ...]]


@value
class Occasion:
    """Why, and when, stock moves: what all movements of one event have in common."""

    cause: UUID
    kind: MovementKind
    occurred_at: datetime
    reason: str = ""
    spoilage_type: SpoilageType | None = None
    expires_on: date | None = None


@value
class Wanted:
    """One line's wish."""

    product_id: UUID
    quantity: Decimal


@value
class Take:
    """A quantity out of one batch, or owed when there is none."""

    product_id: UUID
    batch_id: UUID | None
    quantity: Decimal
    cost_cents: int


@value
class Shortage:
    """A product of which more is wanted than may be taken."""

    product_id: UUID
    wanted: Decimal
    available: Decimal


@value
class Plan:
    """What to take, one take for each batch, and the cost of each line in the order the lines came.

    When anything is short, nothing is to be taken and there are no costs.
    """

    takes: tuple[Take, ...] = ()
    line_costs: tuple[int, ...] = ()
    short: tuple[Shortage, ...] = ()

    @property
    def cost_cents(self) -> int:
        """The cost of everything taken."""
        return sum(take.cost_cents for take in self.takes)


@value
class Returned:
    """A sold quantity that comes back at the cost it left with; `cause` is the row that says so."""

    cause: UUID
    product_id: UUID
    quantity: Decimal
    cost_cents: int
    spoiled: bool


@value
class Settlement:
    """A part of an owed layer that an arrival covers: what it was thought to cost and what it did."""

    owed_id: UUID
    quantity: Decimal
    provisional_cents: int
    actual_cents: int


@value
class Arrival:
    """What an arrival does: the owed layers it settles first, and what is left of it as a batch."""

    quantity: Decimal
    cost_cents: int
    settlements: tuple[Settlement, ...]
    left_quantity: Decimal
    left_cost_cents: int

    @property
    def unit_cost_cents(self) -> int:
        """The cost of one unit, half-up to the cent; for provisional costs, never for taking from a batch."""
        return divide_half_up(self.cost_cents * in_thousandths(Decimal(1)), in_thousandths(self.quantity))

    @property
    def variance_cents(self) -> int:
        """How much more the settled goods cost than was booked when they were sold; negative when they cost less."""
        return sum(each.actual_cents - each.provisional_cents for each in self.settlements)


@value
class ToReorder:
    """A product at or below its reorder point, and what was sold of it lately."""

    product_id: UUID
    name: str
    reorder_point: Decimal
    available: Decimal
    sold: Decimal


@value
class Expiring:
    """What remains of a batch that must be sold soon."""

    product_id: UUID
    batch_id: UUID
    quantity: Decimal
    expires_on: date


def parse_stock(document: Sequence[Sequence[Any]]) -> StockFacts:
    """Read the answer of the SQL function `inventory_lock_stock`: each level with its open batches, in the order of taking."""
    levels: dict[UUID, Level] = {}
    batches: dict[UUID, tuple[Layer, ...]] = {}
    for product, on_hand, reserved, last_unit_cost_cents, layers in document:
        product_id = read_id(product)
        levels[product_id] = Level(product_id, Decimal(on_hand), Decimal(reserved), last_unit_cost_cents)
        batches[product_id] = tuple(Layer(read_id(each), Decimal(left), cents) for each, left, cents in layers)
    return StockFacts(levels, batches)


def plan_take(
    wanted: Sequence[Wanted], facts: StockFacts, *, allow_owed: bool = False, use_reserved: bool = False
) -> Plan:
    """Decide what comes out of which batch, and what each line costs.

    Lines of one product share its batches in the order of the lines. `allow_owed`: the goods are gone, so what the batches
    lack is owed, at the last unit cost until it is received. `use_reserved`: what is set aside may be taken too, because it
    was set aside for this very cause, or because the goods are gone. Products without a level have nothing.
    """
    short = () if allow_owed else _shortages(wanted, facts, use_reserved=use_reserved)
    if short:
        return Plan(short=short)
    shelves: dict[UUID, _Shelf] = {}
    costs: list[int] = []
    for line in wanted:
        shelf = shelves.get(line.product_id) or shelves.setdefault(line.product_id, _shelf(line.product_id, facts))
        costs.append(shelf.take(line.quantity))
    return Plan(tuple(take for shelf in shelves.values() for take in shelf.takes()), tuple(costs))


def find_shortages(wanted: Sequence[Wanted], facts: StockFacts) -> tuple[Shortage, ...]:
    """Name the products of which less is available than wanted, for setting stock aside without taking it."""
    return _shortages(wanted, facts, use_reserved=False)


def plan_arrival(quantity: Decimal, cost_cents: int, *, owed: Sequence[Layer]) -> Arrival:
    """Decide which owed layers an arrival settles, the oldest first, and what is left of it as a batch.

    The arrival's cost is split by quantity, so that settled and left parts add up to it.
    """
    parts: list[tuple[Layer, Decimal]] = []
    left = quantity
    for layer in owed:
        part = min(left, layer.quantity)
        if part:
            parts.append((layer, part))
            left -= part
    *actual, left_cost = allocate(cost_cents, [in_thousandths(each) for each in (*(part for _, part in parts), left)])
    settlements = tuple(
        Settlement(layer.id, part, _split(layer, part)[0], cost)
        for (layer, part), cost in zip(parts, actual, strict=True)
    )
    return Arrival(quantity, cost_cents, settlements, left, left_cost)


def gather_returns(returned: Sequence[Returned]) -> list[Returned]:
    """Return one part for each product and destination, by product, each under the cause of its first part."""
    gathered: dict[tuple[UUID, bool], Returned] = {}
    for each in returned:
        place = (each.product_id, each.spoiled)
        before = gathered.get(place)
        gathered[place] = (
            each
            if before is None
            else Returned(
                before.cause,
                each.product_id,
                before.quantity + each.quantity,
                before.cost_cents + each.cost_cents,
                each.spoiled,
            )
        )
    return [gathered[place] for place in sorted(gathered)]


def needs_approval(cost_cents: int, limit_cents: int) -> bool:
    """Say whether writing off goods of this cost needs a second person."""
    return cost_cents > limit_cents


def fits_level(level: Level, quantity: Decimal, *, cost_cents: int) -> bool:
    """Say whether goods of this quantity and cost can be added to what is on hand, and still be counted."""
    return level.on_hand + quantity <= LARGEST and cost_cents <= LARGEST_COST_CENTS


def suggested_order(available: Decimal, *, reorder_point: Decimal, sold_recently: Decimal) -> Decimal:
    """Return the whole units that bring a product back to its reorder point with as much on top as was sold recently."""
    missing = reorder_point + sold_recently - available
    return max(ZERO, missing).to_integral_value(rounding=ROUND_CEILING)


@dataclass(slots=True)
class _Shelf:
    """The batches of one product while lines take from them, one after the other."""

    product_id: UUID
    last_unit_cost_cents: int
    left: deque[Layer]
    taken: dict[UUID | None, tuple[Decimal, int]] = field(default_factory=dict[UUID | None, tuple[Decimal, int]])

    def take(self, quantity: Decimal) -> int:
        """Take a quantity, and what is not there as owed; return its cost."""
        cost = 0
        while quantity and self.left:
            batch = self.left.popleft()
            part = min(quantity, batch.quantity)
            part_cost, rest_cost = _split(batch, part)
            if part < batch.quantity:
                self.left.appendleft(Layer(batch.id, batch.quantity - part, rest_cost))
            cost += self._note(batch.id, quantity=part, cost_cents=part_cost)
            quantity -= part
        if quantity:
            owed_cost = line_amount(self.last_unit_cost_cents, quantity)
            cost += self._note(None, quantity=quantity, cost_cents=owed_cost)
        return cost

    def takes(self) -> Iterable[Take]:
        """Return what was taken, one row for each batch, and last what is owed."""
        return (Take(self.product_id, batch_id, *amounts) for batch_id, amounts in self.taken.items())

    def _note(self, batch_id: UUID | None, *, quantity: Decimal, cost_cents: int) -> int:
        before = self.taken.get(batch_id, (ZERO, 0))
        self.taken[batch_id] = (before[0] + quantity, before[1] + cost_cents)
        return cost_cents


def _shelf(product_id: UUID, facts: StockFacts) -> _Shelf:
    level = facts.levels.get(product_id)
    assert level is not None, "a product that can be taken has a level, which is its lock"
    return _Shelf(product_id, level.last_unit_cost_cents, deque(facts.batches.get(product_id, ())))


def _split(layer: Layer, part: Decimal) -> tuple[int, int]:
    taken, kept = allocate(layer.cost_cents, (in_thousandths(part), in_thousandths(layer.quantity - part)))
    return taken, kept


def _shortages(wanted: Sequence[Wanted], facts: StockFacts, *, use_reserved: bool) -> tuple[Shortage, ...]:
    totals: dict[UUID, Decimal] = {}
    for line in wanted:
        totals[line.product_id] = totals.get(line.product_id, ZERO) + line.quantity
    found: list[Shortage] = []
    for product_id, total in totals.items():
        level = facts.levels.get(product_id, Level(product_id, ZERO, ZERO, 0))
        usable = level.on_hand if use_reserved else level.available
        if total > usable:
            found.append(Shortage(product_id, total, usable))
    return tuple(found)
