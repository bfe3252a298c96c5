from dataclasses import replace
from uuid import UUID, uuid4

import httpx2
import pytest

from payme.kit.ids import new_id
from payme.runtime.database import Database
from payme.runtime.http import Call, HttpOptions, Response, Router, create_app, public
from payme.runtime.http.routing import Feature
from tests.api.http.shelf import FEATURE, Doorman, Stamps
from tests.api.http.types import Count, MakeApp, MakeClient


async def test_without_credentials_the_door_says_who_to_be(make_client: MakeClient, shelf: str):
    answer = await make_client(token=None).get(shelf)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.required")
    assert answer.headers["www-authenticate"] == 'Bearer realm="payme"'


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Basic YTpi", "Bearer unknown", "bearer  unknown"])
async def test_bad_credentials_are_401(client: httpx2.AsyncClient, shelf: str, authorization: str):
    answer = await client.get(shelf, headers={"authorization": authorization})
    assert answer.status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_foreign_unknown_and_malformed_businesses_are_the_same_404(
    client: httpx2.AsyncClient, owner_dsn: str, method: str
):
    answers = [
        await client.request(method, f"/v1/businesses/{each}/shelf", json={})
        for each in (new_id(), uuid4(), "shop", "0")
    ]
    assert {(each.status_code, each.json()["code"]) for each in answers} == {(404, "businesses.not_found")}


async def test_a_key_of_one_business_opens_no_other(
    make_client: MakeClient, doorman: Doorman, business_id: UUID, shelf: str
):
    principal = doorman.register("key", business_id)
    doorman.principals["key"] = replace(principal, kind="api_key", business_id=new_id())
    assert (await make_client(token="key").get(shelf)).status_code == 404


async def test_a_missing_permission_is_403_before_the_body_is_read(
    make_client: MakeClient, doorman: Doorman, business_id: UUID, shelf: str, count_branches: Count
):
    doorman.register("reader", business_id, frozenset({"shelf.read"}))
    client = make_client(token="reader")
    answer = await client.post(shelf, content=b"{not json", headers={"idempotency-key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.permission_missing")
    assert answer.json()["facts"] == {"permission": "shelf.write"}
    assert (await client.get(shelf)).status_code == 200
    assert await count_branches() == 0


async def test_a_failing_check_denies(client: httpx2.AsyncClient, doorman: Doorman, shelf: str):
    doorman.broken = True
    answer = await client.get(shelf)
    assert (answer.status_code, answer.json()["code"]) == (500, "http.internal")


CSRF = {"x-csrf-token": "session-amina.stamped", "origin": "http://shop.test", "sec-fetch-site": "same-origin"}
COOKIES = "__Host-payme_session=amina; __Host-payme_csrf=session-amina.stamped"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 201),
        ({"origin": None}, 201),
        ({"sec-fetch-site": None}, 201),
        ({"origin": None, "sec-fetch-site": None}, 403),
        ({"x-csrf-token": None}, 403),
        ({"x-csrf-token": ""}, 403),
        ({"x-csrf-token": "session-amina.forged"}, 403),
        ({"x-csrf-token": "session-brian.stamped", "cookie": COOKIES.replace("session-amina", "session-brian")}, 403),
        ({"cookie": "__Host-payme_session=amina"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://shop.test.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://evil.example", "sec-fetch-site": None}, 403),
        ({"origin": "null", "sec-fetch-site": None}, 403),
        ({"origin": "http://["}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"content-type": "text/plain", "x-csrf-token": None}, 403),
        ({"cookie": COOKIES.replace("amina", "nobody", 1)}, 401),
    ],
)
async def test_a_cookie_session_changes_things_only_from_our_own_pages(
    make_client: MakeClient,
    doorman: Doorman,
    business_id: UUID,
    shelf: str,
    count_branches: Count,
    change: dict[str, str | None],
    status: int,
):
    doorman.register("amina", business_id)
    headers = {"cookie": COOKIES, "idempotency-key": "k", "content-type": "application/json", **CSRF, **change}
    present = {name: value for name, value in headers.items() if value is not None}
    answer = await make_client(token=None).post(shelf, content=b'{"name": "A"}', headers=present)
    assert answer.status_code == status
    assert await count_branches() == (1 if status == 201 else 0)


async def test_a_cookie_session_reads_without_a_token_and_a_bearer_call_ignores_cookies(
    make_client: MakeClient, doorman: Doorman, business_id: UUID, shelf: str
):
    doorman.register("amina", business_id)
    client = make_client(token=None)
    assert (await client.get(shelf, headers={"cookie": COOKIES})).status_code == 200
    assert (await client.get(shelf, headers={"cookie": COOKIES, "authorization": "Bearer unknown"})).status_code == 401
    changing = {"cookie": COOKIES, "authorization": "Bearer amina", "idempotency-key": "k"}
    assert (await client.post(shelf, json={"name": "A"}, headers=changing)).status_code == 201


def test_every_route_declares_who_may_call_it(make_app: MakeApp):
    for operation in make_app().state.operations:
        assert operation.access.kind in {"permission", "signed_in", "public"}
        assert (operation.access.kind == "permission") == bool(operation.access.permission)


def test_a_route_without_a_declaration_does_not_come_into_being():
    router = Router(tag="x")
    with pytest.raises(AssertionError, match="declares no access"):

        @router.get("/x", operation="x")
        async def x(call: Call) -> Response: ...


def test_two_operations_do_not_share_a_name_or_an_address(make_app: MakeApp, database: Database):
    twice = [FEATURE, Feature("again", "", FEATURE.routers)]
    with pytest.raises(AssertionError, match="share a name"):
        create_app(HttpOptions(secret=b"k"), database=database, authenticator=Doorman(), csrf=Stamps(), features=twice)
    assert public.kind == "public"
