"""The night reconciles by itself: the last day that is over, once, with the days before it that are still open."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features.businesses import PLATFORM_BUSINESS_ID, ensure_platform_business
from payme.features.businesses.schemas import ChangeBusiness
from payme.features.businesses.services import change_business
from payme.features.reconciliation.tasks import begin_night
from payme.kit.time import FrozenClock, business_day
from payme.runtime.database import Database, PoolLimits
from tests.invariants import assert_invariants
from tests.reconciled import PRICE, Desk, open_desk, row
from tests.trade import cash, new_receipt, open_shop, settings_for
from tests.virtual_worker import VirtualWorker


@dataclass
class Night:
    """A shop under a clock that stands still, and the worker of its jobs."""

    desk: Desk
    worker: VirtualWorker
    clock: FrozenClock

    async def falls(self) -> None:
        """Do what the hourly job does, and what it has enqueued."""
        await self.worker.database.run(begin_night, business_id=self.worker.business_id)
        await self.worker.run_for(timedelta(minutes=10))

    async def days(self) -> dict[date, int]:
        """Return how often each day was reconciled."""
        return dict(
            await self.desk.shop.rows("select day, run from reconciliations where business_id = $1 order by day")
        )


@pytest_asyncio.fixture(loop_scope="session")
async def night(owner_dsn: str) -> AsyncIterator[Night]:
    clock = FrozenClock(datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=1))
    wiring, limits = wire(tools_of(settings_for(owner_dsn))), PoolLimits(connections=4, acquire_seconds=30)
    database = await Database(owner_dsn, wiring=wiring, clock=clock, limits=limits).open()
    behind = await Database(owner_dsn, role="payme_worker", wiring=wiring, clock=clock, limits=limits).open()
    await database.run(ensure_platform_business, business_id=PLATFORM_BUSINESS_ID)
    shop = await open_shop(database)
    worker = await VirtualWorker(behind, clock, shop.business_id, None).open()
    desk = await open_desk(shop)
    await worker.look()
    try:
        yield Night(desk, worker, clock)
    finally:
        await worker.close()
        await behind.close()
        await database.close()


async def test_the_night_reconciles_the_day_before_once(night: Night):
    today = business_day(night.clock.now())
    await night.desk.shop.sell(night.desk.tea, tenders=[cash(PRICE)])
    night.clock.advance(timedelta(hours=12, minutes=30))
    await night.falls()
    before = today - timedelta(days=1)
    assert await night.days() == {before: 1}
    night.clock.advance(timedelta(hours=1))
    for _ in range(2):
        await night.falls()
    assert await night.days() == {before: 1, today: 1}
    view = await night.desk.run(today)
    assert await night.desk.named(view) == [("cash_not_counted", -PRICE, "needs_closing")]
    night.clock.advance(timedelta(days=1))
    await night.falls()
    assert await night.days() == {before: 1, today: 3, today + timedelta(days=1): 1}


async def test_a_shop_that_opens_at_four_is_reconciled_after_four(night: Night):
    await night.desk.shop.run(
        lambda uow: change_business(uow, ChangeBusiness.model_validate({"day_starts_at": "04:00"}))
    )
    today = business_day(night.clock.now())
    night.clock.advance(timedelta(hours=15))
    await night.falls()
    assert today not in await night.days()
    night.clock.advance(timedelta(hours=3))
    await night.falls()
    assert (await night.days())[today] == 1


async def test_an_uploaded_statement_is_taken_in_and_its_days_are_reconciled_anew(night: Night):
    desk = night.desk
    view = await desk.run(business_day(night.clock.now()))
    minutes = (night.clock.now() - datetime.now(UTC)) / timedelta(minutes=1)
    rows = [
        row(new_receipt(), "70.00", minutes=minutes),
        row(new_receipt(), "-3.00", "Pay Bill Charge", minutes=minutes),
    ]
    await desk.upload(*rows, taken_in=False)
    assert await desk.states() == [("fee", "waiting"), ("payment", "waiting")]
    await night.worker.run_for(timedelta(minutes=10))
    assert await desk.states() == [("fee", "booked"), ("payment", "brought_in")]
    assert await night.days() == {view.date: 2}
    again = await desk.run(view.date)
    assert await desk.named(again) == [("missing_with_us", 7_000, "resolved"), ("unclaimed", 7_000, "needs_closing")]
    await assert_invariants(desk.shop.database, desk.shop.business_id)


async def test_two_who_reconcile_a_day_at_once_do_it_one_after_the_other(desk: Desk):
    await desk.shop.sell(desk.tea, tenders=[cash(PRICE)])
    views = await asyncio.gather(*(desk.run() for _ in range(4)))
    assert sorted(view.run for view in views) == [1, 2, 3, 4]
    assert len({view.id for view in views}) == 1
    assert await desk.named(views[0]) == [("cash_not_counted", -PRICE, "needs_closing")]
    assert {view.totals[0].ledger_cents for view in views} == {PRICE}
