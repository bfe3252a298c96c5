"""Arcjet in front of the edge: refuses what it is told to, is told little, and lets everything through when it does not answer."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
from prometheus_client import REGISTRY

from payme.entrypoints.wiring import http_options
from payme.runtime.settings import Settings, SettingsError
from tests.api.http.shelf import Doorman
from tests.arcjet_server import KEY, ArcjetServer

Shielded = Callable[..., httpx2.AsyncClient]
MINIMUM = {"DATABASE_URL": "postgresql://a:b@127.0.0.1/c", "APP_ENV": "test"}


@pytest.fixture
def arcjet() -> Iterator[ArcjetServer]:
    with ArcjetServer() as server:
        yield server


@pytest.fixture
def shielded(arcjet: ArcjetServer, make_client: Shielded, doorman: Doorman, business_id: UUID) -> Shielded:
    doorman.register("amina", business_id)

    def make(**variables: str) -> httpx2.AsyncClient:
        settings = Settings.from_values({**MINIMUM, "ARCJET_KEY": KEY, "ARCJET_BASE_URL": arcjet.url, **variables})
        return make_client(shield=http_options(settings).shield)

    return make


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("payme_arcjet_requests_total", {"outcome": outcome}) or 0.0


async def test_a_request_that_is_let_through_is_answered_and_little_is_told_of_it(
    arcjet: ArcjetServer, shielded: Shielded, shelf: str
):
    answer = await shielded().get(f"{shelf}?cursor=0712345678", headers={"cookie": "a=b", "x-phone": "0712345678"})
    assert answer.status_code == 422
    (told,) = arcjet.told
    assert told["details"]["ip"] == "203.0.113.7"
    assert (told["details"]["method"], told["details"]["path"]) == ("GET", shelf)
    assert set(told["details"]["headers"]) <= {"accept", "accept-encoding", "user-agent"}
    assert "0712345678" not in str(told)
    assert "amina" not in str(told)


async def test_a_request_that_is_denied_is_refused_and_nothing_is_written(
    arcjet: ArcjetServer, shielded: Shielded, shelf: str, count_branches: Any
):
    arcjet.answer, before = "CONCLUSION_DENY", counted("denied")
    answer = await shielded().post(shelf, json={"name": "A"}, headers={"idempotency-key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (403, "http.shield_refused")
    assert await count_branches() == 0
    assert counted("denied") == before + 1


@pytest.mark.parametrize("answer", [503, "silence", "CONCLUSION_ERROR"])
async def test_an_arcjet_in_trouble_lets_everything_through(
    arcjet: ArcjetServer, shielded: Shielded, shelf: str, count_branches: Any, answer: str | int
):
    arcjet.answer = answer
    client, before, began = shielded(ARCJET_SECONDS="0.3"), counted("failed"), time.monotonic()
    for name in "AB":
        made = await client.post(shelf, json={"name": name}, headers={"idempotency-key": name})
        assert made.status_code == 201
    assert time.monotonic() - began < 1.9
    assert await count_branches() == 2
    if answer != "CONCLUSION_ERROR":
        # After one failure it is left alone for a while.
        assert len(arcjet.told) == 1
        assert counted("failed") == before + 1


async def test_an_arcjet_that_is_away_or_refuses_the_key_lets_everything_through(shielded: Shielded, shelf: str):
    for variables in ({"ARCJET_BASE_URL": "http://127.0.0.1:9"}, {"ARCJET_KEY": "another"}):
        before = counted("failed")
        assert (await shielded(**variables).get(shelf)).status_code == 200
        assert counted("failed") == before + 1


async def test_probes_and_callbacks_are_not_asked_about(arcjet: ArcjetServer, shielded: Shielded):
    arcjet.answer = "CONCLUSION_DENY"
    client = shielded()
    assert (await client.get("/livez")).status_code == 200
    assert (await client.post("/d/a-secret-in-a-path", json={})).json().get("code") != "http.shield_refused"
    assert arcjet.told == []


def test_nobody_is_asked_without_a_key_and_strangers_only_over_https():
    assert http_options(Settings.from_values(MINIMUM)).shield is None
    with pytest.raises(SettingsError) as caught:
        Settings.from_values({**MINIMUM, "APP_ENV": "staging", "ARCJET_BASE_URL": "http://a.example"})
    assert caught.value.faults["ARCJET_BASE_URL"] == "must be https in staging"
