"""SQL that changes stock: locks, takes, reservations, arrivals. Lists and figures for people are in `stock_queries`.

A product's level is the lock of its batches, owed layers and reservations; whatever changes them locks it first.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from payme.features.inventory.enums import MovementKind
from payme.features.inventory.rules import Arrival, Layer, Occasion, StockFacts, Take, Wanted, parse_stock
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork, WriteOrder


async def lock_stock(uow: UnitOfWork, product_ids: Sequence[UUID]) -> StockFacts:
    """Lock the levels of products in product order and return them with their open batches."""
    return parse_stock(
        await uow.fetchval(
            """-- inventory.lock_stock
            select inventory_lock_stock($1, $2)""",
            uow.tenant,
            list(product_ids),
        )
    )


async def ensure_levels(uow: UnitOfWork, unit_costs: Mapping[UUID, int]) -> None:
    """Give products a level where they have none; the costs are provisional until the first receipt."""
    await uow.execute(
        """-- inventory.ensure_levels
        insert into stock_levels (business_id, product_id, last_unit_cost_cents)
        select $1, t.product_id, t.cost_cents from unnest($2::uuid[], $3::bigint[]) t (product_id, cost_cents)
        on conflict (business_id, product_id) do nothing""",
        uow.tenant,
        list(unit_costs),
        list(unit_costs.values()),
    )


async def list_owed(uow: UnitOfWork, product_id: UUID) -> list[Layer]:
    """Return what was sold before it was received, the oldest first; the level must be locked."""
    rows = await uow.fetch(
        """-- inventory.list_owed
        select id, remaining_quantity, remaining_cost_cents from stock_owed
        where business_id = $1 and product_id = $2 and is_open order by owed_at, id""",
        uow.tenant,
        product_id,
    )
    return [Layer(row["id"], row["remaining_quantity"], row["remaining_cost_cents"]) for row in rows]


async def list_held_products(uow: UnitOfWork, cause: UUID) -> list[UUID]:
    """Return the products that are set aside for a cause."""
    rows = await uow.fetch(
        """-- inventory.list_held_products
        select product_id from stock_reservations where business_id = $1 and cause = $2 and state = 'held' order by product_id""",
        uow.tenant,
        cause,
    )
    return [row["product_id"] for row in rows]


def defer_take(uow: UnitOfWork, takes: Sequence[Take], *, occasion: Occasion, reserved: bool = False) -> None:
    """Take quantities out at the flush; `reserved` ends the cause's reservation with it."""
    uow.defer(
        WriteOrder.STOCK,
        "inventory_take($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)",
        uow.tenant,
        occasion.cause,
        occasion.kind,
        uow.actor.id,
        occasion.occurred_at,
        reserved,
        [new_id() for _ in takes],
        [take.product_id for take in takes],
        [take.batch_id for take in takes],
        [take.quantity for take in takes],
        [take.cost_cents for take in takes],
        occasion.spoilage_type,
        occasion.reason,
    )


def defer_reserve(uow: UnitOfWork, cause: UUID, *, wanted: Sequence[Wanted]) -> None:
    """Set quantities aside at the flush, one row for each product."""
    uow.defer(
        WriteOrder.STOCK,
        "inventory_reserve($1,$2,$3,$4,$5,$6)",
        uow.tenant,
        cause,
        uow.now,
        [new_id() for _ in wanted],
        [each.product_id for each in wanted],
        [each.quantity for each in wanted],
    )


def defer_release(uow: UnitOfWork, cause: UUID) -> None:
    """Give back at the flush what is set aside for a cause."""
    uow.defer(WriteOrder.STOCK, "inventory_release($1,$2,$3)", uow.tenant, cause, uow.now)


def defer_bring_in(uow: UnitOfWork, arrival: Arrival, *, occasion: Occasion, product_id: UUID) -> None:
    """Open a batch at the flush and settle the owed layers that the arrival covers; purchases set the last unit cost."""
    uow.defer(
        WriteOrder.STOCK,
        "inventory_bring_in($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)",
        uow.tenant,
        occasion.cause,
        new_id(),
        occasion.kind,
        uow.actor.id,
        occasion.occurred_at,
        occasion.reason,
        product_id,
        occasion.expires_on,
        arrival.quantity,
        arrival.cost_cents,
        arrival.left_quantity,
        arrival.left_cost_cents,
        arrival.unit_cost_cents if occasion.kind is MovementKind.PURCHASE else None,
        [
            {
                "id": new_id(),
                "owed_id": each.owed_id,
                "quantity": each.quantity,
                "provisional_cents": each.provisional_cents,
                "actual_cents": each.actual_cents,
            }
            for each in arrival.settlements
        ],
    )
