"""A reply that is repeated shows nothing that its caller may no longer see, and is otherwise the very same."""

from collections.abc import AsyncIterator

import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features.identity import Role
from payme.features.identity.schemas import ChangeMember
from payme.features.identity.services.members import change_member
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits
from payme.runtime.settings import Settings
from tests.api.access.conftest import fill
from tests.api_process import GENEROUS
from tests.application import client_of, make_application
from tests.people import hire, make_shop


@pytest_asyncio.fixture(scope="module")
async def forgetful(owner_dsn: str) -> Settings:
    """Settings of a process that remembers nobody's roles."""
    return Settings.from_values({**GENEROUS, "DATABASE_URL": owner_dsn, "REVOCATION_CACHE_SECONDS": "0"})


@pytest_asyncio.fixture(scope="module")
async def database(owner_dsn: str, forgetful: Settings) -> AsyncIterator[Database]:
    opened = await Database(owner_dsn, limits=PoolLimits(connections=4), wiring=wire(tools_of(forgetful))).open()
    yield opened
    await opened.close()


async def test_who_lost_the_right_to_see_costs_does_not_see_them_in_a_repetition(
    database: Database, forgetful: Settings
):
    shop = await make_shop(database)
    manager, cashier = await hire(shop, "manager"), await hire(shop, "cashier")
    app = make_application(forgetful, database)
    owner, one, other = (client_of(app, each.access_token) for each in (shop.owner, manager, cashier))
    product_id = str((await fill(owner, shop)).product_id)
    body = {
        "lines": [{"product_id": product_id, "quantity": "1"}],
        "tenders": [{"method": "cash", "amount_cents": 10_000}],
    }
    stock = {"product_id": product_id, "quantity": "1", "total_cost_cents": 7_000}
    sent = {"idempotency-key": str(new_id())}
    first = [await one.post(f"/v1/businesses/{shop.id}/{path}", json=json, headers=sent)
             for path, json in (("sales", body), ("stock/receipts", stock))]  # fmt: skip
    assert [each.json()["cost_cents"] for each in first] == [7_000, 7_000], first[0].text
    poor = await other.post(f"/v1/businesses/{shop.id}/sales", json=body, headers=sent)
    again = await other.post(f"/v1/businesses/{shop.id}/sales", json=body, headers=sent)
    assert (poor.json()["cost_cents"], again.content) == (None, poor.content)
    repeated = await one.post(f"/v1/businesses/{shop.id}/sales", json=body, headers=sent)
    assert repeated.content == first[0].content

    roles = ChangeMember(roles=[Role.CASHIER])
    await database.run(
        lambda uow: change_member(uow, manager.id, command=roles), business_id=shop.id, actor=shop.acting()
    )
    repeated = await one.post(f"/v1/businesses/{shop.id}/sales", json=body, headers=sent)
    assert (repeated.status_code, repeated.headers["idempotency-replayed"]) == (201, "true")
    hidden = {**first[0].json(), "cost_cents": None, "profit_cents": None}
    hidden["lines"] = [{**line, "cost_cents": None} for line in hidden["lines"]]
    assert repeated.json() == hidden
    for client in (owner, one, other):
        await client.aclose()
