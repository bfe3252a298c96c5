"""SQL of what the daily proof asks of sales and refunds. They are only read here."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class SoldSale:
    """A completed sale, and what it says was paid for it, in cents."""

    id: UUID
    receipt_number: str
    paid_cents: int
    sold_by: UUID
    completed_at: datetime


@value
class RefundDocument:
    """What a refund says went back in money or as a credit note, in cents."""

    id: UUID
    kind: str
    method: str
    state: str
    amount_cents: int
    requested_by: UUID


async def list_sold(uow: UnitOfWork, ids: Sequence[UUID], *, since: datetime, until: datetime) -> list[SoldSale]:
    """Return the completed sales that were recorded in a stretch of time, and those of the ids, in the order of ids."""
    rows = await uow.fetch(
        """-- sales.list_sold
        select id, receipt_number, paid_cents, sold_by, completed_at from sales
        where business_id = $1 and completed_at is not null and (recorded_at >= $3 and recorded_at < $4 or id = any($2::uuid[]))
        order by id""",
        uow.tenant, list(ids), since, until,
    )  # fmt: skip
    return [SoldSale(**row) for row in rows]


async def list_refund_documents(uow: UnitOfWork, ids: Sequence[UUID]) -> list[RefundDocument]:
    """Return those of the ids that are refunds or voids."""
    rows = await uow.fetch(
        """-- sales.list_refund_documents
        select id, kind, method, state, amount_cents - debt_cents as amount_cents, requested_by from refunds where business_id = $1 and id = any($2::uuid[])
        order by id""",
        uow.tenant, list(ids),
    )  # fmt: skip
    return [RefundDocument(**row) for row in rows]
