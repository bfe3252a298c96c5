"""Runs a backfill to its end and counts what is left. Two at once do no harm: they take turns at one cursor.

Not here: what a batch does (`definition`), when it is too busy (`pressure`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from payme.runtime.database.backfills.pressure import Pace, Pressure
from payme.runtime.database.backfills.record import (
    ensure_progress,
    lock_progress,
    write_count,
    write_end,
    write_move,
)
from payme.runtime.database.directives import MigrationError

if TYPE_CHECKING:
    from uuid import UUID

    from payme.runtime.database.backfills.definition import Backfill, Batch
    from payme.runtime.database.database import Database
    from payme.runtime.database.unit_of_work import UnitOfWork

Walk = Callable[[], AsyncIterator["UUID"]]
Look = Callable[[], Awaitable[Pressure]]


def _silent(_: object) -> None:
    return


@dataclass(frozen=True, slots=True)
class Run:
    """What a run needs besides the backfill: every business in the order of ids, a look at the pressure, somebody to tell.

    `moved` is called with the rows of each batch, `say` with a sentence each time it begins to wait or goes on.
    """

    walk: Walk
    look: Look
    pace: Pace = field(default_factory=Pace)
    moved: Callable[[int], None] = _silent
    say: Callable[[str], None] = _silent


async def run_backfill(database: Database, backfill: Backfill, run: Run) -> int:
    """Go on with a backfill until every business was walked, count what is left, and return that.

    Raises: MigrationError where it was too busy for too long; what was done stays done.
    """
    progress = await database.run(partial(ensure_progress, name=backfill.name))
    if unseen := (await run.look()).unseen:
        run.say(f"does not wait for {unseen} replicas: how far they are is kept from this user (grant pg_monitor)")
    if progress.walked_at is None:
        began_at = progress.business_id
        async for business_id in run.walk():
            if began_at is None or business_id >= began_at:
                await _walk_business(database, backfill, run, business_id=business_id)
        await database.run(partial(write_end, name=backfill.name))
    return await verify_backfill(database, backfill, run.walk)


async def verify_backfill(database: Database, backfill: Backfill, walk: Walk) -> int:
    """Count what a backfill has not reached over all businesses, write it down and return it."""
    await database.run(partial(ensure_progress, name=backfill.name))
    left = await count_left(database, backfill, walk)
    await database.run(partial(write_count, name=backfill.name, left=left))
    return left


async def count_left(database: Database, backfill: Backfill, walk: Walk) -> int:
    """Return how many rows a backfill has not reached over all businesses, and write nothing."""
    left = 0
    async for business_id in walk():
        left += await database.run(backfill.count_left, business_id=business_id, read_only=True)
    return left


async def _walk_business(database: Database, backfill: Backfill, run: Run, *, business_id: UUID) -> None:
    while True:
        await _wait_for_room(run)
        done = await database.run(
            partial(_step, backfill=backfill, limit=run.pace.batch_rows, business_id=business_id),
            business_id=business_id,
        )
        if done is None:
            return
        run.moved(done.rows)
        if done.last is None:
            return


async def _step(uow: UnitOfWork, backfill: Backfill, *, limit: int, business_id: UUID) -> Batch | None:
    """Do one batch and write where it ended; None where another runner is beyond this business."""
    progress = await lock_progress(uow, backfill.name)
    if progress.walked_at is not None or (progress.business_id is not None and progress.business_id > business_id):
        return None
    after = progress.position if progress.business_id == business_id else None
    done = await backfill.batch(uow, after, limit)
    position = after if done.last is None else done.last
    await write_move(uow, backfill.name, business_id=business_id, position=position, rows=done.rows)
    return done


async def _wait_for_room(run: Run) -> None:
    began = time.monotonic()
    told = False
    while (reason := run.pace.why_wait(await run.look())) is not None:
        if not told:
            run.say(f"waits: {reason}")
            told = True
        if time.monotonic() - began > run.pace.give_up_seconds:
            raise MigrationError(f"It was too busy for too long ({reason}). Run it again; it goes on where it was.")
        await asyncio.sleep(run.pace.look_seconds)
    if told:
        run.say("goes on")
