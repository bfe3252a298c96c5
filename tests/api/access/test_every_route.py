"""Every route × every role × another business: what the table of permissions allows, else 403; a foreign business is 404.

The routes and their bodies are those of the application, so that a new one is tested before anybody thinks of it. Nothing that
is refused may write: every tenant table of both businesses is compared before and after.
"""

import copy
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest

from payme.entrypoints.api import all_features
from payme.features.identity import PERMISSIONS, Role, permissions_of
from payme.kit.ids import new_id
from payme.runtime.database import Database
from payme.runtime.http.app import OWN_FEATURES
from payme.runtime.http.operation import Operation
from payme.runtime.settings import Settings
from tests.api.access.conftest import Belongings, MakeClient, fill
from tests.api.access.written import checksums
from tests.application import make_application
from tests.fault_rows import FaultRow
from tests.people import PASSWORD, Shop, make_shop, new_phone

pytestmark = pytest.mark.fault_row(29)
OPERATIONS = [
    each for feature in (*all_features(), *OWN_FEATURES) for router in feature.routers for each in router.operations
]
TENANT = [each for each in OPERATIONS if "business_id" in each.parameters]
OF_ONE_THING = [each for each in TENANT if any(name.endswith("_id") for name in each.parameters - {"business_id"})]
OF_DEVICES = frozenset({"devices_me", "devices_staff"})
"""What a device alone may ask, whatever a person at it may do."""
WITH_VERDICTS = frozenset({"sync_push_commands"})
"""A batch is answered with a verdict for each of its parts, and none of them refuses the whole."""
STREAM = "text/event-stream"
FIXED = {"kind": "paybill", "date": "2026-11-20", "collection": "notes"}
CSV = "name,price\nChai,60\n"
FORGED = {
    "role": "owner",
    "roles": ["owner"],
    "paid": True,
    "paid_cents": 1,
    "status": "completed",
    "cost_cents": 0,
    "rev": 99,
}


def example_of(operation: Operation, naming: str = "") -> Any:
    """Return the body that the reference shows for a route; of several, the first that has a field of that name, if any has."""
    if operation.body_type is None:
        return None
    extra = operation.body_type.model_config.get("json_schema_extra") or {}
    examples = extra["examples"] if "examples" in extra else [extra.get("example")]
    assert examples[0] is not None, f"{operation.name} shows no example of its body"
    return copy.deepcopy(next((each for each in examples if naming and f"'{naming}'" in str(each)), examples[0]))


def address(operation: Operation, business_id: object, things: Belongings | None = None) -> str:
    known = asdict(things) if things else {}
    values = {name: str(known.get(name) or new_id()) for name in operation.parameters}
    return operation.path.format(**{**values, **FIXED, "business_id": business_id})


def sent(operation: Operation, body: Any) -> dict[str, Any]:
    """Return the arguments of a request that is right in everything but who sends it."""
    headers = {"idempotency-key": str(new_id()), "if-match": "*"}
    if operation.consumes:
        return {"content": CSV, "headers": {**headers, "content-type": operation.consumes}}
    return {"headers": headers} if body is None else {"json": body, "headers": headers}


def test_there_are_routes_to_test():
    assert len(TENANT) > 40
    assert len(OF_ONE_THING) > 10


@pytest.mark.parametrize("operation", TENANT, ids=lambda each: each.name)
def test_a_route_in_a_business_asks_for_a_permission_that_exists(operation: Operation):
    assert operation.access.kind == "permission"
    assert operation.access.permission in PERMISSIONS


async def test_the_application_answers_nothing_that_is_not_declared(database: Database, settings: Settings):
    app = make_application(settings, database)
    assert list(app.routes) == []
    described = {
        (method.upper(), path)
        for path, item in app.openapi()["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert described == {(each.method, each.path) for each in OPERATIONS if not each.hidden}
    assert {each.access.kind for each in OPERATIONS if each.hidden} == {"public"}


@pytest.mark.parametrize("operation", TENANT, ids=lambda each: each.name)
async def test_roles_and_strangers_on(
    operation: Operation,
    make_client: MakeClient,
    staffed: Shop,
    foreign: Shop,
    theirs: Belongings,
    own: Belongings,
    database: Database,
    row: FaultRow,
):
    before = await checksums(database, staffed, foreign)
    assert len(before) > 60, "two businesses in every table"
    body = example_of(operation)
    for role in Role:
        row.counts["sent"] += 2
        row.counts["refused"] += 1
        client = make_client(staffed.others[role].access_token)
        answer = await client.request(operation.method, address(operation, foreign.id, theirs), **sent(operation, body))
        assert (answer.status_code, answer.json()["code"]) == (404, "businesses.not_found"), role
        may = operation.access.permission in permissions_of([role])
        if not may:
            answer = await client.request(
                operation.method, address(operation, staffed.id, own), **sent(operation, body)
            )
            assert (answer.status_code, answer.json()["code"]) == (403, "auth.permission_missing"), role
            row.counts["refused"] += 1
        elif operation.method == "GET" and STREAM not in operation.produces:
            answer = await client.get(address(operation, staffed.id, own))
            expected = 403 if operation.name in OF_DEVICES else 200
            assert answer.status_code == expected, (role, answer.text)
    for token in (None, "nonsense", "pk_test_" + "a" * 58):
        client = make_client(token)
        answer = await client.request(operation.method, address(operation, staffed.id, own), **sent(operation, body))
        assert answer.status_code == 401
        row.counts["sent"] += 1
        row.counts["refused"] += 1
    assert await checksums(database, staffed, foreign) == before


@pytest.mark.parametrize("operation", OF_ONE_THING, ids=lambda each: each.name)
async def test_what_belongs_to_another_business_is_not_found_in_ones_own(
    operation: Operation,
    make_client: MakeClient,
    staffed: Shop,
    foreign: Shop,
    theirs: Belongings,
    database: Database,
):
    before = await checksums(database, staffed, foreign)
    client = make_client(staffed.owner.access_token)
    request = sent(operation, example_of(operation))
    answer = await client.request(operation.method, address(operation, staffed.id, theirs), **request)
    assert answer.status_code == 404, answer.text
    assert answer.json()["code"] != "businesses.not_found"
    assert await checksums(database, staffed, foreign) == before


def named_things(operation: Operation) -> Iterator[str]:
    """Name the things of a business that a body may point to."""
    if operation.body_type is not None:
        text = str(operation.body_type.model_json_schema())
        yield from (name for name in Belongings.__dataclass_fields__ if f"'{name}'" in text)


def forged(body: Any, business_id: object) -> Any:
    """Return a body with everything in it that nobody may say."""
    if isinstance(body, list):
        return [forged(each, business_id) for each in body]
    return {**FORGED, **body, "business_id": str(business_id), "tenant_id": str(business_id)}


def put(body: Any, name: str, value: str) -> bool:
    """Set a field wherever the body has it; say whether it has."""
    inner = body if isinstance(body, list) else list(body.values()) if isinstance(body, dict) else []
    found = [put(each, name, value) for each in inner]
    if isinstance(body, dict) and name in body:
        body[name] = value
        return True
    return any(found)


POINTING = [
    (operation, name) for operation in TENANT if operation.name not in WITH_VERDICTS for name in named_things(operation)
]


@pytest.mark.parametrize(("operation", "name"), POINTING, ids=lambda each: getattr(each, "name", each))
async def test_a_body_that_points_to_another_business_is_refused(
    operation: Operation,
    name: str,
    make_client: MakeClient,
    staffed: Shop,
    foreign: Shop,
    own: Belongings,
    theirs: Belongings,
    database: Database,
):
    body = example_of(operation, name)
    for each, value in asdict(own).items():
        put(body, each, str(value))
    if not put(body, name, str(getattr(theirs, name))):
        body[name] = str(getattr(theirs, name))
    if operation.name == "sales_create" and name != "credit_account_id":
        body["tenders"] = [{"method": "cash", "amount_cents": 20_000}]
    before = await checksums(database, staffed, foreign)
    client = make_client(staffed.owner.access_token)
    answer = await client.request(operation.method, address(operation, staffed.id, own), **sent(operation, body))
    assert answer.status_code == 404, answer.text
    assert await checksums(database, staffed, foreign) == before


@pytest.mark.parametrize(
    "operation", [each for each in TENANT if each.body_type is not None], ids=lambda each: each.name
)
async def test_what_a_caller_may_not_say_is_not_heard(
    operation: Operation,
    make_client: MakeClient,
    staffed: Shop,
    foreign: Shop,
    own: Belongings,
    theirs: Belongings,
    database: Database,
):
    body = forged(example_of(operation), foreign.id)
    for each, value in asdict(own).items():
        put(body, each, str(value))
    before = await checksums(database, foreign)
    client = make_client(staffed.owner.access_token)
    nobody = replace(own, user_id=new_id())  # the roles of somebody real are not what this is about
    answer = await client.request(operation.method, address(operation, staffed.id, nobody), **sent(operation, body))
    assert answer.status_code < 500, answer.text
    assert str(foreign.id) not in answer.text
    assert await checksums(database, foreign) == before


async def test_a_sale_is_paid_by_its_tenders_whatever_the_body_says(make_client: MakeClient, database: Database):
    shop = await make_shop(database)
    client = make_client(shop.owner.access_token)
    product_id = (await fill(client, shop)).product_id
    lines = [{"product_id": str(product_id), "quantity": "2", "cost_cents": 0, "total_cents": 1}]
    tenders = [{"method": "cash", "amount_cents": 20_000, "status": "failed"}]
    body = {**FORGED, "lines": lines, "tenders": tenders, "total_cents": 1, "profit_cents": 1, "tokens": {"charged": 0}}
    headers = {"idempotency-key": str(new_id())}
    answer = await client.post(f"/v1/businesses/{shop.id}/sales", json=body, headers=headers)
    sale = answer.json()
    assert (sale["total_cents"], sale["paid_cents"], sale["lines"][0]["cost_cents"]) == (20_000, 20_000, 14_000)
    assert (sale["tokens"]["charged"], sale["rev"], sale["payments"][0]["status"]) == (1, 1, "succeeded")


async def test_a_role_in_the_sign_up_makes_a_plain_user(make_client: MakeClient, staffed: Shop):
    body = {"name": "Otieno", "phone": new_phone(), "password": PASSWORD, "business_id": str(staffed.id), **FORGED}
    made = await make_client(None).post(
        "/v1/auth/signup", json={**body, "is_admin": True, "permissions": ["sales.read"]}
    )
    assert made.status_code == 201
    client = make_client(made.json()["access_token"])
    assert (await client.get("/v1/me")).json()["businesses"] == []
    assert (await client.get(f"/v1/businesses/{staffed.id}/sales")).status_code == 404


@pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS if each.access.kind == "signed_in" and each not in TENANT],
    ids=lambda each: each.name,
)
async def test_a_route_for_people_refuses_whoever_is_not_signed_in(operation: Operation, make_client: MakeClient):
    for token in (None, "nonsense"):
        request = sent(operation, example_of(operation))
        answer = await make_client(token).request(operation.method, address(operation, new_id()), **request)
        assert answer.status_code == 401
