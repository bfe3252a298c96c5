"""SQL of sales. The facts of a sale and its locks are one statement, its rows another."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from payme.features.sales.enums import SaleStatus
from payme.features.sales.rules.carts import Cart, Line
from payme.features.sales.schemas.sales import SaleLineView, SaleRow
from payme.kit.values import value
from payme.runtime.database import Deferred, UnitOfWork, WriteOrder

_ATTRIBUTE = "sales_attribute($1,$2,$3,$4)"
_RECORD = "sales_record($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16)"
_PLACE = "sales_place($1,$2,$3,$4,$5,$6)"


@value
class SaleFacts:
    """What the rules need, as JSON documents of the features that own it; the stock levels are locked.

    `is_known`: there is a sale with this id, which would clash at the flush with words about its stock. `prices` holds what the
    catalogue asked at the instant that was given, by product, as far as it knew it then.
    """

    is_known: bool
    business: dict[str, Any] | None
    products: list[dict[str, Any]]
    stock: list[list[Any]]
    prices: dict[str, int]


@value
class StoredSale:
    """A sale as it stands, without its lines."""

    id: UUID
    branch_id: UUID
    till_id: UUID
    receipt_number: str
    status: SaleStatus
    discount_cents: int
    rounding_cents: int
    total_cents: int
    vat_cents: int
    cost_cents: int | None
    paid_cents: int
    change_cents: int
    recorded_at: datetime
    completed_at: datetime | None
    rev: int
    customer_id: UUID | None
    shift_id: UUID | None


@value
class UnpaidSale:
    """A sale that somebody could still pay."""

    id: UUID
    receipt_number: str
    due_cents: int
    created_at: datetime


@value
class NewSale:
    """A sale to be written; costs are known only when it completes at once."""

    id: UUID
    branch_id: UUID
    till_id: UUID
    receipt_prefix: str
    status: SaleStatus
    paid_cents: int
    change_cents: int
    line_ids: Sequence[UUID]
    line_costs: Sequence[int] | None


async def lock_facts(
    uow: UnitOfWork,
    product_ids: Sequence[UUID],
    *,
    sale_id: UUID | None,
    till_id: UUID | None,
    branch_id: UUID | None,
    at: datetime | None = None,
) -> SaleFacts:
    """Return what a sale must know, and lock the stock of its products, in one round trip; VAT and prices as of `at`, or else of now."""
    row = await uow.fetchrow(
        """-- sales.lock_facts
        select businesses_sale_facts($1, $2, $5) as business,
               catalog_sale_facts($1, $3, ($4::timestamptz at time zone 'Africa/Nairobi')::date) as products,
               inventory_lock_stock($1, $3) as stock, sales_is_known($1, $6) as is_known,
               case when $7::timestamptz is null then '{}' else catalog_prices_at($1, $3, $7) end as prices""",
        uow.tenant,
        till_id,
        product_ids,
        at or uow.now,
        branch_id,
        sale_id,
        at,
    )
    assert row is not None, "a select without a condition has a row"
    return SaleFacts(row["is_known"], row["business"], row["products"], row["stock"], row["prices"])


def defer_sale(uow: UnitOfWork, sale: NewSale, cart: Cart) -> Deferred:
    """Have a sale and its lines written, with the till's next receipt number."""
    return uow.defer(
        WriteOrder.TILL, _RECORD, uow.tenant, sale.id, sale.branch_id, sale.till_id, sale.receipt_prefix, sale.status,
        uow.actor.id, uow.now, cart.discount_cents, cart.rounding_cents, cart.total_cents, cart.vat_cents,
        sum(sale.line_costs) if sale.line_costs is not None else None, sale.paid_cents, sale.change_cents,
        _line_rows(sale, cart.lines), reply_as="receipt_number",
    )  # fmt: skip


def defer_place(
    uow: UnitOfWork, sale: NewSale, *, receipt_number: str | None, occurred_at: datetime, strict: bool
) -> None:
    """Have a sale that is being written say when it was made, and bear the receipt number that its till gave it.

    A number that is another sale's is refused where `strict`, at the flush, by ReceiptNumberUsed; else the server's own stays.
    """
    uow.defer(
        WriteOrder.TILL, _PLACE, uow.tenant, sale.id, sale.till_id, receipt_number, occurred_at, strict, reply_as="receipt_number"
    )  # fmt: skip


def defer_attribution(uow: UnitOfWork, sale_id: UUID, *, customer_id: UUID | None, shift_id: UUID | None) -> None:
    """Have a sale that is being written say whom it was made to, and in which shift."""
    uow.defer(WriteOrder.TILL, _ATTRIBUTE, uow.tenant, sale_id, customer_id, shift_id)


def _line_rows(sale: NewSale, lines: Sequence[Line]) -> list[dict[str, Any]]:
    costs: Sequence[int | None] = sale.line_costs if sale.line_costs is not None else [None] * len(lines)
    return [
        {
            "n": number, "id": line_id, "product_id": line.product_id, "name": line.name, "quantity": line.quantity,
            "price": line.unit_price_cents, "catalogue_price": line.catalogue_price_cents, "discount": line.discount_cents,
            "total": line.total_cents, "vat_class": line.vat_class, "rate": line.rate_basis_points, "vat": line.vat_cents,
            "cost": cost, "tracked": line.track_stock,
        }
        for number, (line_id, line, cost) in enumerate(zip(sale.line_ids, lines, costs, strict=True), start=1)
    ]  # fmt: skip


async def find_sale(uow: UnitOfWork, sale_id: UUID) -> StoredSale | None:
    """Return a sale, or None."""
    row = await uow.fetchrow(
        """-- sales.find_sale
        select id, branch_id, till_id, receipt_number, status, discount_cents, rounding_cents, total_cents, vat_cents, cost_cents,
          paid_cents, change_cents, recorded_at, completed_at, rev, customer_id, shift_id
        from sales where business_id = $1 and id = $2""",
        uow.tenant, sale_id,
    )  # fmt: skip
    return _stored(row)


async def lock_sale(uow: UnitOfWork, sale_id: UUID) -> StoredSale | None:
    """Lock and return a sale, or None; a sale is locked before its stock."""
    row = await uow.fetchrow(
        """-- sales.lock_sale
        select id, branch_id, till_id, receipt_number, status, discount_cents, rounding_cents, total_cents, vat_cents, cost_cents,
          paid_cents, change_cents, recorded_at, completed_at, rev, customer_id, shift_id
        from sales where business_id = $1 and id = $2 for update""",
        uow.tenant, sale_id,
    )  # fmt: skip
    return _stored(row)


def _stored(row: Any) -> StoredSale | None:
    if row is None:
        return None
    columns: dict[str, Any] = {**row, "status": SaleStatus(row["status"])}
    return StoredSale(**columns)


async def list_lines(uow: UnitOfWork, sale_id: UUID) -> list[tuple[SaleLineView, bool]]:
    """Return the lines of a sale in their order, each with whether its product's stock is kept."""
    rows = await uow.fetch(
        """-- sales.list_lines
        select id, product_id, name, quantity, unit_price_cents, discount_cents, total_cents, vat_class, vat_cents, cost_cents, track_stock
        from sale_lines where business_id = $1 and sale_id = $2 order by line_number""",
        uow.tenant, sale_id,
    )  # fmt: skip
    return [(SaleLineView(**{key: row[key] for key in SaleLineView.model_fields}), row["track_stock"]) for row in rows]


async def complete(
    uow: UnitOfWork, sale_id: UUID, *, paid_cents: int, change_cents: int, line_costs: Sequence[int]
) -> None:
    """Record that a sale is completed, with the cost of each line in order."""
    await uow.execute(
        """-- sales.complete_lines
        update sale_lines l set cost_cents = t.cost
        from unnest($3::bigint[]) with ordinality t (cost, n)
        where l.business_id = $1 and l.sale_id = $2 and l.line_number = t.n""",
        uow.tenant, sale_id, line_costs,
    )  # fmt: skip
    await uow.execute(
        """-- sales.complete
        update sales set status = 'completed', completed_at = $3, ended_at = $3, paid_cents = $4, change_cents = change_cents + $5,
          cost_cents = $6, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, sale_id, uow.now, paid_cents, change_cents, sum(line_costs),
    )  # fmt: skip


async def move(uow: UnitOfWork, sale_id: UUID, status: SaleStatus, *, paid_cents: int) -> None:
    """Record a state that is not completion."""
    await uow.execute(
        """-- sales.move
        update sales set status = $3, paid_cents = $4, rev = rev + 1,
          ended_at = case when $3 in ('cancelled', 'expired', 'payment_failed') then $5::timestamptz
            when completed_at is not null then ended_at end
        where business_id = $1 and id = $2""",
        uow.tenant, sale_id, status, paid_cents, uow.now,
    )  # fmt: skip


async def list_sales(
    uow: UnitOfWork,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None,
    status: SaleStatus | None,
    since: datetime | None,
) -> list[SaleRow]:
    """Return sales, newest first, older than a (time, id) pair."""
    rows = await uow.fetch(
        """-- sales.list_sales
        select id, receipt_number, status, total_cents, vat_cents, paid_cents, till_id, sold_by, recorded_at as created_at, completed_at
        from sales
        where business_id = $1 and ($2::timestamptz is null or (recorded_at, id) < ($2, $3::uuid))
          and ($4::text is null or status = $4) and ($5::timestamptz is null or recorded_at >= $5)
        order by recorded_at desc, id desc limit $6""",
        uow.tenant, before[0] if before else None, before[1] if before else None, status, since, limit,
    )  # fmt: skip
    return [SaleRow(**row) for row in rows]


async def list_unpaid(uow: UnitOfWork, *, since: datetime) -> list[UnpaidSale]:
    """Return the sales since an instant that somebody could still pay, newest first, two hundred at most."""
    rows = await uow.fetch(
        """-- sales.list_unpaid
        select id, receipt_number, total_cents - paid_cents as due_cents, recorded_at as created_at from sales
        where business_id = $1 and recorded_at >= $2 and status in ('awaiting_payment', 'payment_failed', 'expired')
        order by recorded_at desc limit 200""",
        uow.tenant, since,
    )  # fmt: skip
    return [UnpaidSale(**row) for row in rows]


async def find_by_receipt_number(uow: UnitOfWork, till_id: UUID, receipt_number: str) -> StoredSale | None:
    """Return the sale of a till's receipt number, or None."""
    row = await uow.fetchrow(
        """-- sales.find_by_receipt_number
        select id, branch_id, till_id, receipt_number, status, discount_cents, rounding_cents, total_cents, vat_cents, cost_cents,
          paid_cents, change_cents, recorded_at, completed_at, rev, customer_id, shift_id
        from sales where business_id = $1 and till_id = $2 and receipt_number = $3""",
        uow.tenant, till_id, receipt_number,
    )  # fmt: skip
    return _stored(row)
