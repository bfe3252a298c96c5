"""How far each backfill came, as its row says. Not here: going on (`runner`)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payme.runtime.database.unit_of_work import UnitOfWork

COLUMNS: Final = "name, at_business_id as business_id, position, rows_done, moved_at, walked_at, left_over, verified_at"
ENSURE: Final = """
-- backfills.ensure
insert into backfills (name) values ($1) on conflict (name) do nothing
"""
READ: Final = "-- backfills.list_progress\nselect " + COLUMNS + " from backfills order by name"
LOCK: Final = "-- backfills.lock\nselect " + COLUMNS + " from backfills where name = $1 for update"
MOVE: Final = """
-- backfills.move
update backfills set at_business_id = $2, position = $3, rows_done = rows_done + $4, moved_at = clock_timestamp() where name = $1
"""
END_WALK: Final = """
-- backfills.end_walk
update backfills set walked_at = clock_timestamp() where name = $1
"""
VERIFY: Final = """
-- backfills.verify
update backfills set left_over = $2::bigint,
  verified_at = case when $2::bigint = 0 then clock_timestamp() end,
  walked_at = case when $2::bigint = 0 then walked_at end,
  at_business_id = case when $2::bigint = 0 or walked_at is null then at_business_id end,
  position = case when $2::bigint = 0 or walked_at is null then position end
where name = $1
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backfill came: the business at hand, the last key in it, rows so far, and what the last count found."""

    name: str
    business_id: UUID | None
    position: str | None
    rows_done: int
    moved_at: datetime
    walked_at: datetime | None
    left_over: int | None
    verified_at: datetime | None


async def ensure_progress(uow: UnitOfWork, name: str) -> Progress:
    """Make the row of a backfill where there is none; lock and return it."""
    await uow.execute(ENSURE, name)
    return await lock_progress(uow, name)


async def lock_progress(uow: UnitOfWork, name: str) -> Progress:
    """Return the row of a backfill, locked."""
    row = await uow.fetchrow(LOCK, name)
    assert row is not None, "a backfill that runs has a row"
    return _progress(row)


async def list_progress(uow: UnitOfWork) -> dict[str, Progress]:
    """Return every backfill that was ever begun here, by name."""
    return {row["name"]: _progress(row) for row in await uow.fetch(READ)}


async def write_move(uow: UnitOfWork, name: str, *, business_id: UUID, position: str | None, rows: int) -> None:
    """Write where the batch of this transaction ended."""
    await uow.execute(MOVE, name, business_id, position, rows)


async def write_end(uow: UnitOfWork, name: str) -> None:
    """Write that every business was walked."""
    await uow.execute(END_WALK, name)


async def write_count(uow: UnitOfWork, name: str, left: int) -> None:
    """Write what a count found; where a walk ended and left something, the next one begins anew."""
    await uow.execute(VERIFY, name, left)


def _progress(row: Any) -> Progress:
    return Progress(**dict(row))
