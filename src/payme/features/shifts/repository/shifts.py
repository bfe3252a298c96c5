"""SQL of shifts and of what moves through their drawers.

A shift is held by those who move cash in it (for key share) against the one who closes it (for update).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payme.features.shifts.enums import ShiftState, Variance
from payme.features.shifts.rules import Cash
from payme.features.shifts.schemas import ShiftView
from payme.runtime.database import UnitOfWork, WriteOrder

_RECORD: Final = "shifts_record($1,$2,$3,$4)"
_COLUMNS: Final = """
select id, till_id, opened_by, float_cents, state, is_alone, counted_cents, counted_by, expected_cents, difference_cents, posted_cents,
    variance, approval_id, late_movements, note, review, opened_at, closed_at, rev
  from shifts where business_id = $1 and """
_FIND: Final = "-- shifts.find_shift" + _COLUMNS + "id = $2"
_HOLD: Final = "-- shifts.hold_shift" + _COLUMNS + "id = $2 for key share"
_SETTLE: Final = "-- shifts.lock_settled" + _COLUMNS + "id = $2 for no key update"
_LOCK: Final = "-- shifts.lock_shift" + _COLUMNS + "id = $2 for update"
_OF_TILL: Final = "-- shifts.hold_open_of" + _COLUMNS + "till_id = $2 and state = 'open' and is_alone for key share"
_LIST_OF: Final = "-- shifts.list_shifts_of" + _COLUMNS + "id = any ($2::uuid[])"
_LIST: Final = (
    "-- shifts.list_shifts"
    + _COLUMNS
    + """($2::timestamptz is null or (opened_at, id) < ($2, $3::uuid)) and ($4::text is null or state = $4)
      and ($5::uuid is null or till_id = $5) and ($6::uuid is null or opened_by = $6)
    order by opened_at desc, id desc limit $7"""
)


@dataclass(frozen=True, slots=True)
class StoredShift:
    """A shift as the table has it."""

    id: UUID
    till_id: UUID
    opened_by: UUID
    float_cents: int
    state: ShiftState
    is_alone: bool
    counted_cents: int | None
    counted_by: UUID | None
    expected_cents: int | None
    difference_cents: int | None
    posted_cents: int
    variance: Variance
    approval_id: UUID | None
    late_movements: int
    note: str
    review: list[str]
    opened_at: datetime
    closed_at: datetime | None
    rev: int

    @property
    def view(self) -> ShiftView:
        """What is shown of it."""
        return ShiftView(**{name: getattr(self, name) for name in ShiftView.model_fields})


@dataclass(frozen=True, slots=True)
class NewShift:
    """A shift to be written."""

    id: UUID
    till_id: UUID
    opened_by: UUID
    float_cents: int
    occurred_at: datetime
    is_alone: bool
    review: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which shifts are wanted."""

    state: ShiftState | None = None
    till_id: UUID | None = None
    opened_by: UUID | None = None


async def insert_shift(uow: UnitOfWork, shift: NewShift) -> bool:
    """Add a shift; return False where its id is taken, or its till or person has one that is open."""
    touched = await uow.execute(
        """-- shifts.insert_shift
        insert into shifts (business_id, id, till_id, opened_by, float_cents, is_alone, occurred_at, opened_at, review)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing""",
        uow.tenant, shift.id, shift.till_id, shift.opened_by, shift.float_cents, shift.is_alone, shift.occurred_at, uow.now,
        list(shift.review),
    )  # fmt: skip
    return bool(touched)


async def find_shift(uow: UnitOfWork, shift_id: UUID) -> StoredShift | None:
    """Return a shift, or None."""
    return _stored(await uow.fetchrow(_FIND, uow.tenant, shift_id))


async def hold_shift(uow: UnitOfWork, shift_id: UUID) -> StoredShift | None:
    """Hold a shift against its close, beside others who do, and return it, or None."""
    return _stored(await uow.fetchrow(_HOLD, uow.tenant, shift_id))


async def hold_open_of(uow: UnitOfWork, till_id: UUID) -> StoredShift | None:
    """Hold the open shift of a till against its close and return it, or None."""
    return _stored(await uow.fetchrow(_OF_TILL, uow.tenant, till_id))


async def lock_settled(uow: UnitOfWork, shift_id: UUID) -> StoredShift | None:
    """Lock a closed shift against others who settle it; those who only hold it go on."""
    return _stored(await uow.fetchrow(_SETTLE, uow.tenant, shift_id))


async def lock_shift(uow: UnitOfWork, shift_id: UUID) -> StoredShift | None:
    """Lock a shift against everybody who moves cash in it, and return it, or None."""
    return _stored(await uow.fetchrow(_LOCK, uow.tenant, shift_id))


async def sum_movements(uow: UnitOfWork, shift_id: UUID) -> int:
    """Return what moved through a drawer, in cents."""
    return await uow.fetchval(
        """-- shifts.sum_movements
        select coalesce(sum(amount_cents), 0)::bigint from shift_movements where business_id = $1 and shift_id = $2""",
        uow.tenant,
        shift_id,
    )


async def close(
    uow: UnitOfWork, shift_id: UUID, *, counted_cents: int, expected_cents: int, counted_by: UUID, note: str
) -> None:
    """Record what was counted and what should have lain there."""
    await uow.execute(
        """-- shifts.close
        update shifts set state = 'closed', closed_at = $3, counted_cents = $4::bigint, expected_cents = $5::bigint,
          difference_cents = $4::bigint - $5::bigint, counted_by = $6, note = $7, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, shift_id, uow.now, counted_cents, expected_cents, counted_by, note,
    )  # fmt: skip


async def add_late(uow: UnitOfWork, shift_id: UUID, amount_cents: int, *, count: int) -> None:
    """Record that a closed drawer should have held so much more."""
    await uow.execute(
        """-- shifts.add_late
        update shifts set expected_cents = expected_cents + $3, difference_cents = difference_cents - $3,
          late_movements = late_movements + $4, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, shift_id, amount_cents, count,
    )  # fmt: skip


async def settle(
    uow: UnitOfWork, shift_id: UUID, variance: Variance, *, posted_cents: int, approval_id: UUID | None
) -> None:
    """Record what became of a difference."""
    await uow.execute(
        """-- shifts.settle
        update shifts set variance = $3, posted_cents = $4, approval_id = $5, rev = rev + 1 where business_id = $1 and id = $2""",
        uow.tenant, shift_id, variance, posted_cents, approval_id,
    )  # fmt: skip


async def insert_variance(uow: UnitOfWork, variance_id: UUID, *, shift_id: UUID, amount_cents: int) -> None:
    """Add what is booked as over, or below zero as short."""
    await uow.execute(
        """-- shifts.insert_variance
        insert into shift_variances (business_id, id, shift_id, amount_cents, recorded_at) values ($1, $2, $3, $4, $5)""",
        uow.tenant, variance_id, shift_id, amount_cents, uow.now,
    )  # fmt: skip


def defer_movements(uow: UnitOfWork, shift_id: UUID, cash: Sequence[Cash], *, is_late: bool) -> None:
    """Have what moved through a drawer written at the flush."""
    rows = [
        {"cause": each.cause, "kind": each.kind, "shift": shift_id, "amount": each.amount_cents, "reason": each.reason,
         "late": is_late}
        for each in cash
    ]  # fmt: skip
    uow.defer_rows(WriteOrder.COLD, _RECORD, (uow.tenant, uow.now, uow.actor.id), rows=rows)


async def list_shifts_of(uow: UnitOfWork, shift_ids: Sequence[UUID]) -> list[ShiftView]:
    """Return those shifts that there are of some ids, in no order."""
    return [_of_row(row).view for row in await uow.fetch(_LIST_OF, uow.tenant, list(shift_ids))]


async def list_shifts(
    uow: UnitOfWork, wanted: Wanted, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[ShiftView]:
    """Return shifts, the newest first, older than a (time, id) pair."""
    rows = await uow.fetch(
        _LIST, uow.tenant, before[0] if before else None, before[1] if before else None, wanted.state, wanted.till_id,
        wanted.opened_by, limit,
    )  # fmt: skip
    return [_of_row(row).view for row in rows]


def _stored(row: Any) -> StoredShift | None:
    return None if row is None else _of_row(row)


def _of_row(row: Any) -> StoredShift:
    columns: dict[str, Any] = {**row, "state": ShiftState(row["state"]), "variance": Variance(row["variance"])}
    return StoredShift(**columns)
