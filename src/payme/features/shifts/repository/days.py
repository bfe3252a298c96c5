"""SQL of what the daily proof asks of shifts. They are only read here."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class CountOfDay:
    """What was counted in the drawers of a day, in cents, and what of the difference its shifts have booked themselves.

    `last_shift_id` names the one that was closed last. Until `is_complete` a drawer is still to be counted.
    """

    is_complete: bool
    last_shift_id: UUID
    counted_cents: int
    float_cents: int
    posted_cents: int
    counted_by: UUID


async def count_of_day(uow: UnitOfWork, *, since: datetime, until: datetime) -> CountOfDay | None:
    """Return what the shifts that were opened in a stretch of time have counted so far; None where none was closed."""
    row = await uow.fetchrow(
        """-- shifts.count_of_day
        select bool_and(state = 'closed') as is_complete,
          (array_agg(id order by closed_at desc nulls last, id))[1] as last_shift_id, sum(counted_cents)::bigint as counted_cents,
          sum(float_cents)::bigint as float_cents, sum(posted_cents)::bigint as posted_cents,
          (array_agg(counted_by order by closed_at desc nulls last, id))[1] as counted_by
        from shifts where business_id = $1 and opened_at >= $2 and opened_at < $3
        having bool_or(state = 'closed')""",
        uow.tenant, since, until,
    )  # fmt: skip
    return None if row is None else CountOfDay(**row)


async def list_drawer_documents(uow: UnitOfWork, causes: Sequence[UUID]) -> dict[tuple[UUID, str], int]:
    """Return what was put into drawers or taken out that is no sale, and what was booked as over or short, in cents by cause and kind of posting."""
    rows = await uow.fetch(
        """-- shifts.list_drawer_documents
        select cause, kind, amount_cents from shift_movements
        where business_id = $1 and cause = any ($2::uuid[]) and kind in ('drawer.in', 'drawer.out')
        union all
        select id, 'shift.variance', amount_cents from shift_variances where business_id = $1 and id = any ($2::uuid[])""",
        uow.tenant, list(causes),
    )  # fmt: skip
    return {(row["cause"], row["kind"]): row["amount_cents"] for row in rows}
