"""Backfills on a real database: killed and gone on with, two at once, slowed by what others need, counted at the end."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features.operations import walk_businesses
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits
from payme.runtime.database.backfills import (
    Backfill,
    Pace,
    Pressure,
    Run,
    list_progress,
    read_pressure,
    run_backfill,
    verify_backfill,
)
from payme.runtime.database.directives import MigrationError
from payme.runtime.database.roles import WORKER_ROLE
from payme.runtime.settings import Settings
from tests.migrations.worked_example import guests
from tests.migrations.worked_example.guests import GUEST_VISITS
from tests.shop import open_shop

ROOT = Path(__file__).parents[2]
SETTINGS = {"APP_ENV": "test", "LOG_LEVEL": "warning"}
EACH = 150
DEADLINE = 30.0


@dataclass
class Room:
    """Two shops with guests, and the database as its owner and as a worker see it."""

    dsn: str
    worker: Database
    owner: Database
    shops: list[UUID]

    async def value(self, sql: str, *values: object) -> Any:
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()

    async def visits(self) -> list[int]:
        found: list[int] = []
        for shop in self.shops:
            rows = await self.worker.run(
                lambda uow: uow.fetch("select visits from guests order by id"), business_id=shop, read_only=True
            )
            found += [row["visits"] for row in rows]
        return found

    def run(self, **options: Any) -> Run:
        async def look() -> Pressure:
            return await self.owner.run(read_pressure, read_only=True)

        return Run(**{"walk": lambda: walk_businesses(self.worker), "look": look, **options})

    def process(self, *words: str) -> subprocess.Popen[str]:
        path = os.pathsep.join(str(ROOT / each) for each in ("src", "simulator", "."))
        return subprocess.Popen(
            [sys.executable, "-m", "tests.migrations.worked_example.command", *words],
            cwd=ROOT,
            env={**os.environ, **SETTINGS, "DATABASE_URL": self.dsn, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
async def room(make_database: Callable[..., Awaitable[str]]) -> AsyncIterator[Room]:
    dsn = await make_database()
    owner = await asyncpg.connect(dsn)
    await owner.execute(guests.CREATE)
    await owner.close()
    wiring = wire(tools_of(Settings.from_values({**SETTINGS, "DATABASE_URL": dsn})))
    limits = PoolLimits(connections=2)
    worker = await Database(dsn, role=WORKER_ROLE, limits=limits, wiring=wiring).open()
    unbound = await Database(dsn, role=None, limits=limits, wiring=wiring).open()
    made = Room(dsn, worker, unbound, [])
    try:
        for _ in range(2):
            shop = await open_shop(worker)
            made.shops.append(shop.business_id)
            await worker.run(add_guests, business_id=shop.business_id)
        yield made
    finally:
        await worker.close()
        await unbound.close()


async def add_guests(uow: Any) -> None:
    for number in range(EACH):
        await guests.add_before(uow, new_id(), f"07120{number:05}")


async def test_killed_in_the_middle_it_goes_on_where_it_was(room: Room) -> None:
    process = room.process("guest_visits", "--batch", "1")
    deadline = time.monotonic() + DEADLINE
    try:
        done = 0
        while done < EACH // 3:
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()[0]
            done = await room.value("select rows_done from backfills where name = 'guest_visits'") or 0
            await asyncio.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    visits = await room.visits()
    done = await room.value("select rows_done from backfills")
    assert 0 < done < 2 * EACH
    assert sum(visits) == done, "a batch and its place in the walk are there together or not at all"
    assert await room.value("select verified_at from backfills") is None
    left = 2 * EACH - done
    assert await verify_backfill(room.worker, GUEST_VISITS, lambda: walk_businesses(room.worker)) == left
    process = room.process("guest_visits", "--batch", "40")
    output = (await asyncio.to_thread(process.communicate))[0]
    assert process.returncode == 0, output
    assert f"{left} rows to change" in output
    assert output.rstrip().endswith("guest_visits: 0 left.")
    assert await room.visits() == [1] * (2 * EACH)
    assert await room.value("select verified_at is not null and left_over = 0 from backfills") is True


async def test_two_at_once_change_each_row_once(room: Room) -> None:
    run = room.run(pace=Pace(batch_rows=7))
    lefts = await asyncio.gather(
        run_backfill(room.worker, GUEST_VISITS, run), run_backfill(room.worker, GUEST_VISITS, run)
    )
    assert lefts == [0, 0]
    assert await room.visits() == [1] * (2 * EACH)
    assert await room.value("select rows_done from backfills") == 2 * EACH


async def test_what_is_left_is_counted_and_the_next_run_begins_anew(room: Room) -> None:
    assert await run_backfill(room.worker, GUEST_VISITS, room.run()) == 0
    # A till of the release before, behind the walk.
    late = partial(guests.add_before, guest_id=UUID(int=1), phone="0712000001")
    await room.worker.run(late, business_id=room.shops[0])
    assert await verify_backfill(room.worker, GUEST_VISITS, lambda: walk_businesses(room.worker)) == 1
    progress = (await room.worker.run(list_progress))["guest_visits"]
    assert (progress.left_over, progress.verified_at, progress.walked_at) == (1, None, None)
    sealing = Backfill(name="guest_visits", what="", batch=visit_new, count_left=guests.count_unvisited)
    assert await run_backfill(room.worker, sealing, room.run()) == 0
    assert await room.visits() == [1] * (2 * EACH + 1)


async def visit_new(uow: Any, after: str | None, limit: int) -> Any:
    rows = await uow.fetch(
        "update guests set visits = 1 where business_id = $1 and visits = 0 returning id", uow.tenant
    )
    return guests.Batch(len(rows), str(rows[-1]["id"]) if rows else None)


async def test_it_waits_while_jobs_are_late(room: Room) -> None:
    await room.value(
        "insert into pgqueuer (priority, entrypoint, execute_after, status)"
        " values (0, 'nobody.works', now() - interval '40 seconds', 'queued')"
    )
    said: list[str] = []
    moved: list[int] = []
    run = room.run(pace=Pace(batch_rows=50, look_seconds=0.02), say=said.append, moved=moved.append)
    task = asyncio.ensure_future(run_backfill(room.worker, GUEST_VISITS, run))
    while not said:
        await asyncio.sleep(0.01)
    assert said[0].startswith("waits: a job has been due for 4")
    for _ in range(5):
        await room.value("select 1")
        assert (moved, task.done()) == ([], False)
    await room.value("delete from pgqueuer where entrypoint = 'nobody.works'")
    assert await task == 0
    assert said[1:] == ["goes on"]
    assert sum(moved) == 2 * EACH


async def test_it_gives_up_in_words_where_it_is_busy_for_too_long(room: Room) -> None:
    async def busy() -> Pressure:
        return Pressure(lag_ms=9_000)

    run = room.run(look=busy, pace=Pace(look_seconds=0.01, give_up_seconds=0.03))
    with pytest.raises(MigrationError, match=r"a replica is 9\.0 s behind.*goes on where it was"):
        await run_backfill(room.worker, GUEST_VISITS, run)
    assert set(await room.visits()) == {0}


async def test_it_says_that_it_cannot_see_how_far_replicas_are(room: Room) -> None:
    async def hidden() -> Pressure:
        return Pressure(unseen=2)

    said: list[str] = []
    assert await run_backfill(room.worker, GUEST_VISITS, room.run(look=hidden, say=said.append)) == 0
    assert said == ["does not wait for 2 replicas: how far they are is kept from this user (grant pg_monitor)"]


def test_what_is_too_busy() -> None:
    pace = Pace(most_lag_ms=1_000, most_lag_bytes=2 << 20, most_queue_ms=3_000)
    assert pace.why_wait(Pressure(1_000, 2 << 20, 0, 3_000)) is None
    assert pace.why_wait(Pressure(lag_ms=1_001)) == "a replica is 1.0 s behind"
    assert pace.why_wait(Pressure(lag_bytes=3 << 20)) == "a replica is 3 MiB behind"
    assert pace.why_wait(Pressure(queue_ms=3_001)) == "a job has been due for 3.0 s"


async def test_the_command_shows_how_far_each_is_and_refuses_what_it_does_not_know(room: Room) -> None:
    async def said(*words: str) -> tuple[int, str]:
        process = room.process(*words)
        output = (await asyncio.to_thread(process.communicate))[0]
        return process.returncode, output.strip()

    assert await said("guest_names") == (
        1,
        "This release has no backfill guest_names; it has: guest_phones, guest_visits.",
    )
    assert await said("guest_visits", "--verify") == (3, f"guest_visits: {2 * EACH} left.")
    assert (await room.visits()) == [0] * (2 * EACH)
    code, output = await said()
    assert code == 0
    assert "guest_phones: not begun: encrypt the phone numbers of guests." in output
    assert f"guest_visits: 0 rows, {2 * EACH} left: count a visit of each guest." in output
