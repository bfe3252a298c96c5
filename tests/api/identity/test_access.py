"""Every route of these features × every role × another business: allowed by the table of permissions, else 403; foreign, 404."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from payme.features.identity import PERMISSIONS, permissions_of
from payme.kit.ids import new_id
from payme.runtime.database import Database
from payme.runtime.http.operation import Operation
from tests.api.identity.conftest import FEATURES
from tests.people import Shop, hire, make_shop

ROLES = ("owner", "manager", "cashier", "accountant", "auditor")
COUNT = "select (select count(*) from audit_log where business_id = $1) + (select count(*) from sync_changes where business_id = $1)"


def operations() -> Iterator[Operation]:
    for feature in FEATURES:
        for router in feature.routers:
            yield from router.operations


TENANT = [each for each in operations() if "business_id" in each.parameters]


def address(operation: Operation, business_id: object) -> str:
    values = {name: str(new_id()) for name in operation.parameters}
    return operation.path.format(**{**values, "business_id": business_id})


async def written(database: Database, shop: Shop) -> int:
    return await database.run(lambda uow: uow.fetchval(COUNT, shop.id), business_id=shop.id)


def test_every_route_in_a_business_names_a_permission_that_exists():
    for operation in TENANT:
        assert operation.access.kind == "permission", operation.path
        assert operation.access.permission in PERMISSIONS, operation.path


@pytest.mark.parametrize("operation", TENANT, ids=lambda each: each.name)
async def test_roles_and_strangers_on(
    operation: Operation, make_client: Callable[..., httpx2.AsyncClient], shop: Shop, database: Database
):
    other = await make_shop(database, "Other")
    people: dict[str, Any] = {role: await hire(shop, role) for role in ROLES if role != "owner"}
    people["owner"] = shop.owner
    before = await written(database, shop), await written(database, other)
    for role, person in people.items():
        client = make_client(person.access_token)
        foreign = await client.request(operation.method, address(operation, other.id), json={})
        assert (foreign.status_code, foreign.json()["code"]) == (404, "businesses.not_found"), role
        if operation.access.permission not in permissions_of([role]):
            refused = await client.request(operation.method, address(operation, shop.id), json={})
            assert (refused.status_code, refused.json()["code"]) == (403, "auth.permission_missing"), role
    for token in (None, "nonsense"):
        anybody = await make_client(token).request(operation.method, address(operation, shop.id), json={})
        assert anybody.status_code == 401
    assert (await written(database, shop), await written(database, other)) == before
