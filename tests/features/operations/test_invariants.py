"""A sound shop is green, and each invariant turns red when it is broken, and no other does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio

from payme.features.operations import Report, check_all, check_invariants
from payme.features.operations.services.invariants import BUSINESS, REGISTERS
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from tests.features.operations.plants import ACROSS, PLANTS, UNFETTER, Plant
from tests.postgres import drop_database
from tests.sound_database import SoundDatabase


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def unfettered(sound: SoundDatabase) -> AsyncIterator[Database]:
    """A copy without a single constraint, in the hands of its owner."""
    name = f"{sound.name}_unfettered"
    dsn = await sound.copy(name)
    opened = await Database(dsn, role=None, limits=PoolLimits(connections=1)).open()
    await opened.run(lambda uow: uow.execute(UNFETTER))
    yield opened
    await opened.close()
    await drop_database(sound.base_dsn, name)


@asynccontextmanager
async def planted(database: Database, sound: SoundDatabase, plant: Plant) -> AsyncIterator[UnitOfWork]:
    """Give a transaction in which the violation stands, and roll it back."""
    async with database.unit_of_work(business_id=sound.business_id) as uow:
        touched = await uow.execute(plant.sql.replace("$$", f"'{sound.business_id}'"))
        assert touched, "the plant has found nothing to break"
        yield uow
        await uow.execute("rollback")
        await uow.execute("begin")


def red(report: Report) -> dict[str, int]:
    return {each.code: each.violations for each in report.findings if each.violations}


async def test_a_sound_shop_is_green(worker_database: Database, sound: SoundDatabase) -> None:
    report = await check_all(worker_database)
    assert red(report) == {}
    assert report.holds
    assert report.businesses == 2
    alone = await check_all(worker_database, business_id=sound.business_id)
    assert red(alone) == {}
    assert alone.businesses == 1


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.code)
async def test_a_violation_turns_its_line_red(unfettered: Database, sound: SoundDatabase, plant: Plant) -> None:
    async with planted(unfettered, sound, plant) as uow:
        findings = {each.code: each for each in await check_invariants(uow) if each.violations}
        assert set(findings) == {plant.code, *plant.also}
        assert findings[plant.code].examples[0].business_id == sound.business_id


@pytest.mark.parametrize("plant", ACROSS, ids=lambda plant: plant.code)
async def test_a_violation_across_businesses_turns_its_line_red(
    copied: str, owner: asyncpg.Connection, worker_database: Database, sound: SoundDatabase, plant: Plant
) -> None:
    await owner.execute(UNFETTER)
    await owner.execute(plant.sql.replace("$$", f"'{sound.business_id}'"))
    report = await check_all(worker_database)
    assert red(report) == {plant.code: 1}
    assert not report.holds


def test_every_invariant_has_its_violation() -> None:
    known = {each.code for each in (*BUSINESS, *REGISTERS)} | {"audit_chain", "platform_sold_what_was_credited"}
    assert {each.code for each in (*PLANTS, *ACROSS)} == known
