"""Every route × every role × another business: what the table of permissions allows, else 403; a foreign business is 404.

The routes are those of the application, so that a new one is tested before anybody thinks of it.
"""

import pytest

from payme.entrypoints.api import all_features
from payme.features.identity import PERMISSIONS, Role, permissions_of
from payme.kit.ids import new_id
from payme.runtime.database import Database
from payme.runtime.http.operation import Operation
from tests.api.access.conftest import MakeClient
from tests.people import Shop

OPERATIONS = [each for feature in all_features() for router in feature.routers for each in router.operations]
TENANT = [each for each in OPERATIONS if "business_id" in each.parameters]
STREAM = "text/event-stream"
TRACES = """
select (select count(*) from audit_log where business_id = $1)
  + (select count(*) from sync_changes where business_id = $1)
  + (select count(*) from events where business_id = $1)
  + (select count(*) from idempotency_keys where business_id = $1)
"""


def address(operation: Operation, business_id: object) -> str:
    values = {name: str(new_id()) for name in operation.parameters}
    return operation.path.format(**{**values, "business_id": business_id})


async def traces(database: Database, *shops: Shop) -> list[int]:
    return [await database.run(lambda uow, of=shop: uow.fetchval(TRACES, of.id), business_id=shop.id) for shop in shops]


def test_there_are_routes_to_test():
    assert len(TENANT) > 40


@pytest.mark.parametrize("operation", TENANT, ids=lambda each: each.name)
def test_a_route_in_a_business_asks_for_a_permission_that_exists(operation: Operation):
    assert operation.access.kind == "permission"
    assert operation.access.permission in PERMISSIONS


@pytest.mark.parametrize("operation", TENANT, ids=lambda each: each.name)
async def test_roles_and_strangers_on(
    operation: Operation, make_client: MakeClient, staffed: Shop, foreign: Shop, database: Database
):
    before = await traces(database, staffed, foreign)
    headers = {"idempotency-key": str(new_id()), "if-match": "*"}
    for role in Role:
        client = make_client(staffed.others[role].access_token)
        answer = await client.request(operation.method, address(operation, foreign.id), json={}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "businesses.not_found"), role
        may = operation.access.permission in permissions_of([role])
        if not may:
            answer = await client.request(operation.method, address(operation, staffed.id), json={}, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "auth.permission_missing"), role
        elif operation.method == "GET" and STREAM not in operation.produces:
            answer = await client.get(address(operation, staffed.id))
            assert answer.status_code in {200, 404, 406, 422}, role
            assert answer.status_code == 200 or answer.json()["code"] != "businesses.not_found"
    for token in (None, "nonsense", "pk_test_" + "a" * 58):
        answer = await make_client(token).request(operation.method, address(operation, staffed.id), json={})
        assert answer.status_code == 401
    assert await traces(database, staffed, foreign) == before


@pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS if each.access.kind == "signed_in" and each not in TENANT],
    ids=lambda each: each.name,
)
async def test_a_route_for_people_refuses_whoever_is_not_signed_in(operation: Operation, make_client: MakeClient):
    for token in (None, "nonsense"):
        answer = await make_client(token).request(operation.method, address(operation, new_id()), json={})
        assert answer.status_code == 401
