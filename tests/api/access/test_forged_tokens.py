"""Row 32: every forged token, at every route that is not public, as bearer and as cookie: 401, and nothing is written."""

from datetime import UTC, datetime

import httpx2
import pytest

from payme.runtime.database import Database
from payme.runtime.http.operation import Operation
from payme.runtime.settings import Settings
from tests.api.access.conftest import Belongings, MakeClient
from tests.api.access.test_every_route import OPERATIONS, address, example_of, sent
from tests.api.access.written import checksums
from tests.fault_rows import FaultRow
from tests.forged_tokens import Forger, claims_of
from tests.people import Shop, make_shop

pytestmark = pytest.mark.fault_row(32)
GUARDED = [each for each in OPERATIONS if each.access.kind != "public"]
KINDS = Forger.kinds()
OF_ACCESS = {"session version missing", "session version as text", "session version true", "business no id"}
"""A refresh token says nothing of these."""
ROUTES_OF_A_FORGERY = 6


def forger_for(shop: Shop, settings: Settings) -> Forger:
    secret = settings.jwt_secret.get_secret_value()
    return Forger(shop.owner.access_token, shop.owner.refresh_token, secret, datetime.now(UTC))


async def refused(
    client: httpx2.AsyncClient, operation: Operation, place: str, headers: list[tuple[bytes, bytes]]
) -> None:
    request = sent(operation, example_of(operation))
    own = [(name.encode(), value.encode()) for name, value in request.pop("headers").items()]
    answer = await client.request(operation.method, place, headers=[*own, *headers], **request)
    assert answer.status_code == 401, (operation.name, answer.status_code, answer.text)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_forged_token_opens_no_route(
    kind: str,
    make_client: MakeClient,
    settings: Settings,
    database: Database,
    staffed: Shop,
    foreign: Shop,
    own: Belongings,
    row: FaultRow,
):
    token = forger_for(staffed, settings).forgeries()[kind]
    before = await checksums(database, staffed, foreign)
    client = make_client(None)
    for operation in row.rng.sample(GUARDED, row.size(ROUTES_OF_A_FORGERY, len(GUARDED))):
        place = address(operation, staffed.id, own)
        await refused(client, operation, place, [(b"authorization", b"Bearer " + token.encode())])
        if token.isascii() and token.isprintable():
            await refused(client, operation, place, [(b"cookie", b"payme_session=" + token.encode())])
        row.counts["refused"] += 1
    answer = await client.post("/v1/auth/refresh", json={"refresh_token": token})
    assert answer.status_code in ({200} if kind == "a refresh token" else {401, 422}), answer.text
    assert await checksums(database, staffed, foreign) == before


async def test_a_token_of_ours_about_somebody_elses_session_opens_nothing(
    make_client: MakeClient, settings: Settings, staffed: Shop, foreign: Shop, row: FaultRow
):
    forger, theirs = forger_for(staffed, settings), claims_of(foreign.owner.access_token)
    for claims in ({"sub": theirs["sub"]}, {"sid": theirs["sid"]}, {"sv": 2}, {"sv": 0}):
        answer = await make_client(forger.forge(claims=claims)).get(f"/v1/businesses/{foreign.id}/sales")
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.session_ended"), claims
        row.counts["refused"] += 1
    both = forger.forge(claims={"business_id": str(foreign.id)})
    assert (await make_client(both).get(f"/v1/businesses/{foreign.id}/sales")).status_code == 404


@pytest.mark.parametrize("kind", [each for each in KINDS if each not in OF_ACCESS])
async def test_a_forged_refresh_token_refreshes_nothing(
    kind: str, make_client: MakeClient, settings: Settings, database: Database, row: FaultRow
):
    owner = (await make_shop(database)).owner
    secret = settings.jwt_secret.get_secret_value()
    token = Forger(owner.refresh_token, owner.access_token, secret, datetime.now(UTC)).forgeries()[kind]
    answer = await make_client(None).post("/v1/auth/refresh", json={"refresh_token": token})
    known = (answer.status_code, answer.json()["code"])
    assert known in {(401, "auth.invalid_token"), (422, "http.invalid")}, answer.text
    genuine = await make_client(None).post("/v1/auth/refresh", json={"refresh_token": owner.refresh_token})
    assert genuine.status_code == 200, "what was forged from is good"
    row.counts["refused"] += 1


async def test_the_token_that_was_forged_from_is_good(
    make_client: MakeClient, staffed: Shop, settings: Settings, row: FaultRow
):
    for token in (staffed.owner.access_token, forger_for(staffed, settings).forge()):
        assert (await make_client(token).get("/v1/me")).status_code == 200
