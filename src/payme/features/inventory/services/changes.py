"""What all changes of one product's stock have in common: whose stock may change, and how a change is booked and shown."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from payme.features import catalog, ledger
from payme.features.catalog import ProductView
from payme.features.inventory import repository
from payme.features.inventory.errors import NotTracked, TooMuch
from payme.features.inventory.rules import Arrival, Level, Occasion, Plan, StockFacts, fits_level, plan_arrival
from payme.features.inventory.schemas import StockChangeView
from payme.features.inventory.services.take_stock import lock_stock
from payme.features.ledger import AccountCode, Posting
from payme.kit.quantity import as_text
from payme.runtime.database import UnitOfWork

SEES_COST = "sales.read_cost"


@dataclass(frozen=True, slots=True)
class LockedProduct:
    """A product whose stock is counted, and locked by this transaction."""

    product: ProductView
    level: Level
    facts: StockFacts


async def lock_product_stock(uow: UnitOfWork, product_id: UUID) -> LockedProduct:
    """Lock the stock of one product. Raises: catalog.ProductNotFound, NotTracked."""
    product = await catalog.get_product(uow, product_id)
    if not product.track_stock:
        raise NotTracked(product_id=product_id)
    facts = await lock_stock(uow, [product_id])
    return LockedProduct(product, facts.levels[product_id], facts)


async def bring_in(
    uow: UnitOfWork, level: Level, *, quantity: Decimal, cost_cents: int, occasion: Occasion, source: AccountCode
) -> StockChangeView:
    """Bring goods in from an account: settle what is owed, the oldest first, and open a batch with the rest.

    Raises: TooMuch.
    """
    if not fits_level(level, quantity, cost_cents=cost_cents):
        raise TooMuch(product_id=level.product_id, on_hand=as_text(level.on_hand))
    arrival = plan_arrival(quantity, cost_cents, owed=await repository.list_owed(uow, level.product_id))
    repository.defer_bring_in(uow, arrival, occasion=occasion, product_id=level.product_id)
    cause, variance_cents = occasion.cause, arrival.variance_cents
    ledger.post(
        uow,
        [
            Posting(f"stock.{occasion.kind}", source, AccountCode.INVENTORY, cost_cents, cause),
            Posting("stock.true_up", AccountCode.INVENTORY, AccountCode.COST_OF_GOODS, variance_cents, cause),
        ],
        occurred_at=occasion.occurred_at,
    )
    uow.touch("stock", level.product_id)
    return _view(uow, level, occasion=occasion, moved=(quantity, cost_cents), arrival=arrival)


def take_out(uow: UnitOfWork, level: Level, *, plan: Plan, occasion: Occasion, target: AccountCode) -> StockChangeView:
    """Take out what was planned and book its cost to an account."""
    repository.defer_take(uow, plan.takes, occasion=occasion)
    ledger.post(
        uow,
        [Posting(f"stock.{occasion.kind}", AccountCode.INVENTORY, target, plan.cost_cents, occasion.cause)],
        occurred_at=occasion.occurred_at,
    )
    uow.touch("stock", level.product_id)
    quantity = sum((take.quantity for take in plan.takes), Decimal(0))
    return _view(uow, level, occasion=occasion, moved=(-quantity, -plan.cost_cents))


def _view(
    uow: UnitOfWork, level: Level, *, occasion: Occasion, moved: tuple[Decimal, int], arrival: Arrival | None = None
) -> StockChangeView:
    quantity, cost_cents = moved
    sees_cost = uow.actor.may(SEES_COST)
    return StockChangeView(
        id=occasion.cause,
        product_id=level.product_id,
        kind=occasion.kind,
        quantity=quantity,
        cost_cents=cost_cents if sees_cost else None,
        variance_cents=(arrival.variance_cents if arrival else 0) if sees_cost else None,
        settled_quantity=arrival.quantity - arrival.left_quantity if arrival else Decimal(0),
        on_hand=level.on_hand + quantity,
        reserved=level.reserved,
        available=level.available + quantity,
        created_at=uow.now,
    )
