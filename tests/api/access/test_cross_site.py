"""Row 32: a browser's session changes nothing that our own pages did not ask for, at any route that changes something."""

from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from payme.runtime.database import Database
from payme.runtime.http.operation import Operation
from payme.runtime.settings import Settings
from tests.api.access.conftest import Belongings, MakeClient
from tests.api.access.test_every_route import OPERATIONS, address, example_of, sent
from tests.api.access.written import checksums
from tests.api_process import GENEROUS
from tests.application import client_of, make_application
from tests.fault_rows import FaultRow
from tests.people import PASSWORD, Shop, make_shop

pytestmark = pytest.mark.fault_row(32)
UNSAFE = [each for each in OPERATIONS if each.method not in {"GET", "HEAD"}]
GUARDED = [each for each in UNSAFE if each.access.kind != "public"]
OWN = {"origin": "http://shop.test", "sec-fetch-site": "same-origin"}
EVIL = "https://evil.example"


class Browser:
    """A signed-in browser: its cookies go along by themselves, as they do in a browser."""

    def __init__(self, client: httpx2.AsyncClient, token: str) -> None:
        self.client, self.token = client, token

    async def ask(self, operation: Operation, place: str, headers: dict[str, str]) -> httpx2.Response:
        request = sent(operation, example_of(operation))
        request["headers"] = {**request["headers"], **headers}
        return await self.client.request(operation.method, place, **request)


async def sign_in(client: httpx2.AsyncClient, shop: Shop) -> Browser:
    login = {"identifier": shop.owner.phone, "password": PASSWORD}
    answer = await client.post("/v1/auth/login?cookie=1", json=login)
    assert answer.status_code == 200, answer.text
    return Browser(client, answer.json()["csrf_token"])


@pytest_asyncio.fixture(scope="module")
async def browser(make_client: MakeClient, staffed: Shop) -> Browser:
    return await sign_in(make_client(None), staffed)


@pytest_asyncio.fixture(scope="module")
async def stranger(make_client: MakeClient, foreign: Shop) -> Browser:
    return await sign_in(make_client(None), foreign)


def requests_of_others(ours: str, theirs: str) -> dict[str, dict[str, str]]:
    """Return the headers that come with a request that is not from our own pages."""
    mine = {"x-csrf-token": ours}
    return {
        "nothing": {},
        "our origin alone": OWN,
        "an empty token": {**OWN, "x-csrf-token": ""},
        "a token of another session": {**OWN, "x-csrf-token": theirs},
        "a token with a digit more": {**OWN, "x-csrf-token": ours + "0"},
        "another site": {**mine, "origin": EVIL, "sec-fetch-site": "cross-site"},
        "another site in an old browser": {**mine, "origin": EVIL},
        "no origin": {**mine, "origin": "null"},
        "a neighbour": {**mine, "origin": "http://shop.test.evil.example"},
        "neither origin nor site": mine,
        "a form": {"content-type": "text/plain", "origin": EVIL},
    }


@pytest.mark.parametrize("operation", GUARDED, ids=lambda each: each.name)
async def test_a_cookie_alone_changes_nothing(
    operation: Operation,
    browser: Browser,
    stranger: Browser,
    staffed: Shop,
    own: Belongings,
    database: Database,
    row: FaultRow,
):
    before = await checksums(database, staffed)
    place = address(operation, staffed.id, own)
    for name, headers in requests_of_others(browser.token, stranger.token).items():
        answer = await browser.ask(operation, place, headers)
        assert answer.status_code == 403, (name, answer.text)
        assert answer.json()["code"] == "auth.csrf_refused", name
        row.counts["refused"] += 1
    assert await checksums(database, staffed) == before
    assert (await browser.client.get("/v1/me")).status_code == 200, "the session is still there"


async def test_our_own_page_with_its_token_changes_things(browser: Browser, staffed: Shop, row: FaultRow):
    business = {"name": "From our own page"}
    answer = await browser.client.post("/v1/businesses", json=business, headers={**OWN, "x-csrf-token": browser.token})
    assert answer.status_code == 201, answer.text


async def test_a_session_is_renewed_from_our_own_pages_alone(
    make_client: MakeClient, stranger: Browser, database: Database, row: FaultRow
):
    """The refresh token is a cookie too, at a route that is public otherwise."""
    browser = await sign_in(make_client(None), await make_shop(database))
    for name, headers in requests_of_others(browser.token, stranger.token).items():
        answer = await browser.client.post("/v1/auth/refresh", headers=headers)
        assert answer.status_code == 403, name
        assert answer.json()["code"] == "auth.csrf_refused", name
        row.counts["refused"] += 1
    answer = await browser.client.post("/v1/auth/refresh", headers={**OWN, "x-csrf-token": browser.token})
    assert answer.status_code == 200


@pytest.mark.parametrize("operation", [each for each in UNSAFE if each.body_type], ids=lambda each: each.name)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", ""]
)
async def test_what_a_form_can_send_is_no_request_of_ours(
    operation: Operation, kind: str, make_client: MakeClient, staffed: Shop, own: Belongings, row: FaultRow
):
    """A form needs no leave of ours to be sent from anywhere; signing somebody in that way would be another's session."""
    request = sent(operation, example_of(operation))
    client = make_client(staffed.owner.access_token)
    content = client.build_request("POST", "/", json=request.pop("json")).content
    headers = {**request["headers"], "content-type": kind}
    answer = await client.request(
        operation.method, address(operation, staffed.id, own), content=content, headers=headers
    )
    assert answer.status_code == 415, answer.text
    assert "set-cookie" not in answer.headers
    row.counts["refused"] += 1


@pytest_asyncio.fixture(scope="module")
async def shared(database: Database, settings: Settings, owner_dsn: str) -> AsyncIterator[httpx2.AsyncClient]:
    """An application that also serves the pages of one other origin."""
    values = {**GENEROUS, "DATABASE_URL": owner_dsn, "CORS_ORIGINS": "https://office.example"}
    client = client_of(make_application(Settings.from_values(values), database), None)
    yield client
    await client.aclose()


@pytest.mark.parametrize("origin", [EVIL, "null", "https://office.example.evil.example", "http://office.example"])
async def test_no_other_origin_is_let_in_by_a_preflight(
    origin: str, make_client: MakeClient, shared: httpx2.AsyncClient, staffed: Shop, own: Belongings, row: FaultRow
):
    for client in (make_client(None), shared):
        for operation in GUARDED:
            asked = {"origin": origin, "access-control-request-method": operation.method}
            asked["access-control-request-headers"] = "content-type, x-csrf-token, authorization"
            answer = await client.options(address(operation, staffed.id, own), headers=asked)
            assert "access-control-allow-origin" not in answer.headers
            assert answer.status_code >= 400
            row.counts["refused"] += 1


async def test_the_origin_that_is_configured_is_let_in(shared: httpx2.AsyncClient, row: FaultRow):
    asked = {"origin": "https://office.example", "access-control-request-method": "POST"}
    answer = await shared.options("/v1/businesses", headers=asked)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://office.example")
