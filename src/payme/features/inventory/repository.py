"""SQL of the stock room: locks, takes, reservations and arrivals first, then what people look at.

A product's level is the lock of its batches, owed layers and reservations; whatever changes them locks it first.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from payme.features.inventory.enums import MovementKind
from payme.features.inventory.rules import (
    Arrival,
    Expiring,
    Layer,
    Occasion,
    StockFacts,
    Take,
    ToReorder,
    Wanted,
    parse_stock,
)
from payme.features.inventory.schemas import MovementFilter, MovementRow, StockRow, ValuationRow
from payme.kit.ids import new_id
from payme.kit.synced import ChangedRow, Place
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


async def ensure_levels(uow: UnitOfWork, unit_costs: Mapping[UUID, int]) -> int:
    """Give products a level where they have none, and return how many; the costs are provisional until the first receipt."""
    return await uow.execute(
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


async def list_levels(
    uow: UnitOfWork, *, product_id: UUID | None, below_reorder: bool, after: UUID | None, limit: int
) -> list[StockRow]:
    """Return levels by product id, beyond one; `below_reorder` keeps those at or below their reorder point."""
    rows = await uow.fetch(
        """-- inventory.list_levels
        select l.product_id, l.on_hand, l.reserved, l.on_hand - l.reserved as available, l.value_cents
        from stock_levels l
        where l.business_id = $1 and l.product_id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
          and ($3::uuid is null or l.product_id = $3)
          and (not $4::boolean or exists (select from catalog_reorder_points($1) r
                                          where r.product_id = l.product_id and l.on_hand - l.reserved <= r.reorder_point))
        order by l.product_id limit $5""",
        uow.tenant,
        after,
        product_id,
        below_reorder,
        limit,
    )
    return [StockRow.model_construct(set(row.keys()), **row) for row in rows]


async def list_movements(
    uow: UnitOfWork, wanted: MovementFilter, *, before: UUID | None, limit: int
) -> list[MovementRow]:
    """Return movements, the newest first, older than one."""
    rows = await uow.fetch(
        """-- inventory.list_movements
        select m.id, m.product_id, m.batch_id, m.kind, m.spoilage_type, m.quantity, m.cost_cents, m.reason, m.cause, m.actor_id,
          m.occurred_at, m.recorded_at
        from stock_movements m
        where m.business_id = $1 and m.id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
          and ($3::uuid is null or m.product_id = $3) and ($4::text is null or m.kind = $4)
          and ($5::timestamptz is null or m.occurred_at >= $5) and ($6::timestamptz is null or m.occurred_at < $6)
        order by m.id desc limit $7""",
        uow.tenant,
        before,
        wanted.product_id,
        wanted.kind,
        wanted.since,
        wanted.until,
        limit,
    )
    return [MovementRow(**row) for row in rows]


async def list_to_reorder(uow: UnitOfWork, *, since: datetime, limit: int) -> list[ToReorder]:
    """Return products at or below their reorder point by name, with what was sold of each since an instant."""
    rows = await uow.fetch(
        """-- inventory.list_to_reorder
        select r.product_id, r.name, r.reorder_point, l.on_hand - l.reserved as available,
          (select coalesce(-sum(m.quantity), 0) from stock_movements m
           where m.business_id = $1 and m.product_id = r.product_id and m.recorded_at >= $2 and m.occurred_at >= $2
             and m.kind in ('sale', 'return_in')) as sold
        from catalog_reorder_points($1) r
        join stock_levels l on l.business_id = $1 and l.product_id = r.product_id
        where l.on_hand - l.reserved <= r.reorder_point
        order by r.name, r.product_id limit $3""",
        uow.tenant,
        since,
        limit,
    )
    return [ToReorder(**row) for row in rows]


async def list_expiring(uow: UnitOfWork, *, until: date, limit: int) -> list[Expiring]:
    """Return open batches that expire up to a day, the first first."""
    rows = await uow.fetch(
        """-- inventory.list_expiring
        select b.product_id, b.id as batch_id, b.remaining_quantity as quantity, b.expires_on
        from stock_batches b where b.business_id = $1 and b.is_open and b.expires_on <= $2
        order by b.expires_on, b.id limit $3""",
        uow.tenant,
        until,
        limit,
    )
    return [Expiring(**row) for row in rows]


async def list_values(uow: UnitOfWork, *, at: datetime) -> list[ValuationRow]:
    """Return what was on hand of each product at an instant and what it had cost, from the movements up to it."""
    rows = await uow.fetch(
        """-- inventory.list_values
        select m.product_id, sum(m.quantity) as on_hand, sum(m.cost_cents)::bigint as value_cents
        from stock_movements m where m.business_id = $1 and m.occurred_at <= $2
        group by m.product_id having sum(m.quantity) <> 0 or sum(m.cost_cents) <> 0 order by m.product_id""",
        uow.tenant,
        at,
    )
    return [ValuationRow(**row) for row in rows]


async def stock_version(uow: UnitOfWork) -> int:
    """Return a number that rises with every change of a level or of a product."""
    return await uow.fetchval(
        """-- inventory.stock_version
        select greatest(sync_collection_seq($1, 'stock'), sync_collection_seq($1, 'products'))""",
        uow.tenant,
    )


async def page_levels(uow: UnitOfWork, place: Place) -> list[ChangedRow]:
    """Return levels of stock as tills know them, without their value, in the order of their changes after a place."""
    rows = await uow.fetch(
        """-- inventory.page_levels
        select c.document_id, c.seq, c.rev, d.document
        from (select * from sync_page($1, 'stock', $2, $3, $4) order by seq, document_id limit $5) c
        left join lateral (select concat('{"id":"', l.product_id, '","product_id":"', l.product_id,
            '","on_hand":"', trim_scale(l.on_hand), '","reserved":"', trim_scale(l.reserved),
            '","available":"', trim_scale(l.on_hand - l.reserved), '","rev":', c.rev, ',"_deleted":false}') as document
          from stock_levels l where l.business_id = $1 and l.product_id = c.document_id offset 0) d on true
        order by c.seq, c.document_id""",
        uow.tenant, place.sequence, place.id, place.branch_id, place.limit,
    )  # fmt: skip
    return [ChangedRow(row["document_id"], row["seq"], row["rev"], row["document"]) for row in rows]
