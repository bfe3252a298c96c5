"""Replies are kept for repetition, and then not any more."""

from datetime import timedelta
from uuid import UUID

import pytest

from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork, Wiring
from payme.runtime.database.replies import ReplyKeeping, forget_replies
from tests.people import Shop

STORE = """insert into idempotency_keys (business_id, scope, key, fingerprint, status, response, recorded_at)
values ($1, 'test', $2, '', 201, $3, $4)"""


async def store(database: Database, shop: Shop, key: str, *, made: UUID, hours: int) -> None:
    async def work(uow: UnitOfWork) -> None:
        await uow.execute(STORE, uow.tenant, key, f'{{"id": "{made}"}}', uow.now - timedelta(hours=hours))

    await database.run(work, business_id=shop.id)


@pytest.mark.parametrize("role", ["payme_app", "payme_worker"])
async def test_old_replies_go_but_for_those_whose_key_is_what_they_made(
    database: Database, owner_dsn: str, shop: Shop, role: str
):
    made = new_id()
    for key, hours in (("young", 47), ("old", 49), (str(made), 49), (str(new_id()), 49)):
        await store(database, shop, key, made=made, hours=hours)
    wiring = Wiring(tools={ReplyKeeping: ReplyKeeping(timedelta(hours=48))})
    keeper = await Database(owner_dsn, role=role, wiring=wiring).open()
    try:
        assert await keeper.run(forget_replies, business_id=shop.id) == 2
        assert await keeper.run(forget_replies, business_id=shop.id) == 0
    finally:
        await keeper.close()
    sql = "select key from idempotency_keys where business_id = $1 and scope = 'test'"
    kept = await database.run(lambda uow: uow.fetch(sql, shop.id), business_id=shop.id, read_only=True)
    assert {row["key"] for row in kept} == {"young", str(made)}
