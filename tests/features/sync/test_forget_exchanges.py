"""What devices exchanged is kept for a season, and then not any more."""

from datetime import timedelta

import pytest

from payme.features.sync.repository.standing import Exchange, insert_exchange
from payme.features.sync.services.standing import forget_exchanges
from payme.features.sync.tasks import KEPT
from payme.runtime.database import Database, UnitOfWork
from tests.people import Shop


@pytest.mark.parametrize("role", ["payme_app", "payme_worker"])
async def test_old_exchanges_go_and_young_ones_stay(database: Database, owner_dsn: str, shop: Shop, role: str):
    ages = {"young": KEPT - timedelta(hours=1), "old": KEPT + timedelta(hours=1), "older": KEPT * 2}

    async def keep(uow: UnitOfWork, name: str, age: timedelta) -> None:
        uow.now -= age
        await insert_exchange(uow, Exchange("pull", name, None, "1.0"))

    for name, age in ages.items():
        await database.run(lambda uow, n=name, a=age: keep(uow, n, a), business_id=shop.id)
    keeper = await Database(owner_dsn, role=role).open()
    try:
        assert await keeper.run(lambda uow: forget_exchanges(uow, KEPT), business_id=shop.id) == 2
        assert await keeper.run(lambda uow: forget_exchanges(uow, KEPT), business_id=shop.id) == 0
    finally:
        await keeper.close()
    sql = "select collection from sync_audit where business_id = $1"
    kept = await database.run(lambda uow: uow.fetch(sql, shop.id), business_id=shop.id, read_only=True)
    assert [row[0] for row in kept] == ["young"]
