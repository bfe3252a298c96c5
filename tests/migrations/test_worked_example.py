"""The guide's example, walked to its end: a plain phone column becomes encrypted while three releases write it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features.operations import walk_businesses
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from payme.runtime.database.backfills import Pace, Pressure, Run, run_backfill
from payme.runtime.database.migrate_cli import migrations_folder
from payme.runtime.database.migrations import MigrationLimits, Migrator
from payme.runtime.database.roles import WORKER_ROLE
from payme.runtime.security import UnreadableField
from payme.runtime.settings import Settings
from tests.migrations.worked_example import guests
from tests.shop import open_shop

EXAMPLE = Path(__file__).parent / "worked_example"
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "change-the-schema.md"
PHONE = "0712345678"
OLD = 40


class Town:
    """Two shops with guests of the release before, and a folder that gets the example's revisions step by step."""

    def __init__(self, dsn: str, folder: Path, database: Database) -> None:
        self.dsn, self.folder, self.database = dsn, folder, database
        self.shops: list[UUID] = []
        self.said: list[str] = []

    async def up(self, release: str, *, support_days: int = 0) -> int:
        limits = MigrationLimits(support=timedelta(days=support_days))
        return await Migrator(self.dsn, self.folder, limits, self.said.append, release=release).up()

    def write(self, *beginnings: str) -> None:
        for each in EXAMPLE.glob("*.sql"):
            if each.name.startswith(beginnings):
                shutil.copy(each, self.folder)

    async def add(self, how: Callable[..., Awaitable[None]], phone: str = PHONE) -> UUID:
        guest = new_id()
        await self.database.run(partial(how, guest_id=guest, phone=phone), business_id=self.shops[0])
        return guest

    async def find(self, how: Callable[..., Awaitable[set[UUID]]], phone: str = PHONE, *, shop: int = 0) -> set[UUID]:
        return await self.database.run(partial(how, phone=phone), business_id=self.shops[shop], read_only=True)

    async def fill(self) -> int:
        async def quiet() -> Pressure:
            return Pressure()

        run = Run(walk=lambda: walk_businesses(self.database), look=quiet, pace=Pace(batch_rows=7))
        return await run_backfill(self.database, guests.GUEST_PHONES, run)


@pytest.fixture
async def town(make_database: Callable[..., Awaitable[str]], tmp_path: Path) -> AsyncIterator[Town]:
    dsn = await make_database()
    shutil.copytree(migrations_folder(), tmp_path, dirs_exist_ok=True)
    owner = await asyncpg.connect(dsn)
    await owner.execute(guests.CREATE)
    await owner.close()
    tools = tools_of(Settings.from_values({"APP_ENV": "test", "DATABASE_URL": dsn}))
    database = await Database(dsn, role=WORKER_ROLE, limits=PoolLimits(connections=2), wiring=wire(tools)).open()
    try:
        made = Town(dsn, tmp_path, database)
        for _ in range(2):
            made.shops.append((await open_shop(database)).business_id)
        for shop in made.shops:
            for number in range(OLD):
                old = partial(guests.add_before, guest_id=new_id(), phone=f"0722{number:06}")
                await database.run(old, business_id=shop)
        yield made
    finally:
        await database.close()


async def test_a_plain_column_becomes_encrypted_in_five_steps(town: Town) -> None:
    before = await town.add(guests.add_before)
    # 1. Expand: the release before works on it, and does not know the new columns.
    town.write("20990101")
    assert await town.up("0.2.0") == 2
    late = await town.add(guests.add_before)
    assert await town.find(guests.find_before) == {before, late}
    # 2. The next release writes both and finds both ways; the release before still finds what it wrote.
    between = await town.add(guests.add_between)
    assert await town.find(guests.find_between) == {before, late, between}
    assert await town.find(guests.find_before) == {before, late, between}
    # What removes is ready, and waits for the backfill.
    town.write("20990105")
    assert await town.up("0.4.0") == 0
    assert any("run payme migrate backfill guest_phones" in each for each in town.said)
    # 3. Backfill, and a count that says 0.
    assert await town.fill() == 0
    # 4. The next release reads and writes the envelope alone.
    after = await town.add(guests.add_after)
    assert await town.find(guests.find_after) == {before, late, between, after}
    # 5. Contract, once nobody goes back to a release that needs the plain column.
    assert await town.up("0.4.0", support_days=14) == 0
    assert any("release 0.2.0 needs what it removes" in each for each in town.said)
    assert await town.up("0.4.0") == 2
    assert await town.find(guests.find_after) == {before, late, between, after}
    assert len(await town.find(guests.find_after, "0722000003")) == 1
    await check_what_is_left(town, {before, late, between, after})


async def check_what_is_left(town: Town, of_this_phone: set[UUID]) -> None:
    """No plain number anywhere, a fingerprint of its own in each shop, and an envelope that opens in its row alone."""
    owner = await asyncpg.connect(town.dsn)
    columns = await owner.fetch("select attname from pg_attribute where attrelid = 'guests'::regclass and attnum > 0")
    assert "phone" not in {row["attname"] for row in columns}
    await owner.execute(f"set payme.business_id = '{town.shops[0]}'")
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute("insert into guests (business_id, id) values ($1, $2)", town.shops[0], new_id())
    await owner.close()
    assert await town.find(guests.find_after, shop=1) == set()
    first, second = sorted(of_this_phone)[:2]

    async def open_moved(uow: UnitOfWork) -> None:
        envelope = await uow.fetchval("select phone_encrypted from guests where id = $1", first)
        assert guests.opened(uow, first, envelope) == "254712345678"
        with pytest.raises(UnreadableField):
            guests.opened(uow, second, envelope)

    await town.database.run(open_moved, business_id=town.shops[0])


def test_the_guide_shows_the_very_revisions() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for each in sorted(EXAMPLE.glob("*.sql")):
        statements = each.read_text(encoding="utf-8").strip()
        assert each.name in text
        assert statements in text, each.name
