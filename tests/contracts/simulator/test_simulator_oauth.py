"""Access tokens: their shape, their end, and what products say without one."""

from __future__ import annotations

import pytest

from tests.contracts.simulator.conftest import Shop
from tests.simulator import SimulatorProcess

GENERATE = "/oauth/v1/generate?grant_type=client_credentials"


async def test_expires_in_is_a_string_and_the_token_has_28_characters(shop: Shop):
    answer = await shop.authorize()
    assert answer.json()["expires_in"] == "3599"
    assert len(answer.json()["access_token"]) == 28


async def test_expires_in_may_be_switched_to_a_number(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.settings(expires_in_as_number=True)
    assert (await shop.authorize()).json()["expires_in"] == 3599


@pytest.mark.parametrize(("key", "secret"), [("payme-demo-key", "wrong"), ("nobody", "payme-demo-secret")])
async def test_bad_credentials_get_an_empty_400(shop: Shop, key: str, secret: str):
    answer = await shop.authorize(key, secret)
    assert (answer.status_code, answer.content) == (400, b"")


@pytest.mark.parametrize("credentials", ["Basic !!!", "Basic /w==", "Basic"])
async def test_unreadable_credentials_get_an_empty_400(shop: Shop, credentials: str):
    answer = await shop.client.get(GENERATE, headers={"Authorization": credentials})
    assert (answer.status_code, answer.content) == (400, b"")


async def test_wrong_grant_type_and_wrong_scheme_have_their_codes(shop: Shop):
    grant = await shop.client.get("/oauth/v1/generate?grant_type=password", auth=("payme-demo-key", "x"))
    scheme = await shop.client.get(GENERATE, headers={"Authorization": "Bearer x"})
    assert (grant.status_code, grant.json()["errorCode"]) == (400, "400.008.02")
    assert (scheme.status_code, scheme.json()["errorCode"]) == (400, "400.008.01")


async def test_a_post_is_not_allowed(shop: Shop):
    answer = await shop.client.post(GENERATE)
    assert (answer.status_code, answer.json()["errorCode"]) == (405, "405.001")


async def test_without_a_bearer_token_the_header_is_invalid(shop: Shop):
    answer = await shop.client.post("/mpesa/stkpush/v1/processrequest", json={})
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "404.001.04")


async def test_an_expired_token_is_refused(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.advance(3599)
    answer = await shop.push()
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "404.001.03")
    assert answer.json()["errorMessage"] == "Invalid Access Token"


async def test_old_tokens_live_on_unless_switched(simulator: SimulatorProcess, shop: Shop):
    first = shop.token
    await shop.authorize()
    second, shop.token = shop.token, first
    assert (await shop.query("ws_CO_1")).json()["errorCode"] == "500.001.1001"
    shop.token = second
    await simulator.control.settings(new_token_kills_old=True)
    await shop.authorize()
    shop.token = second
    assert (await shop.query("ws_CO_1")).json()["errorCode"] == "404.001.03"


async def test_a_new_app_gets_tokens(simulator: SimulatorProcess, shop: Shop):
    app = {"name": "second", "consumer_key": "k2", "consumer_secret": "s2"}
    await simulator.control.send("POST", "/_sim/apps", app)
    assert (await shop.authorize("k2", "s2")).status_code == 200
