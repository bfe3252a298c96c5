"""A maintenance mode that is kept in the database: seen by every process within a second, and nothing of a till is lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from payme.entrypoints.cli_maintenance import app
from payme.runtime.events.maintenance import Notice
from tests.two_apis import TwoApis, apis

__all__ = ["apis"]
SEEN_SECONDS = 1.0
Payme = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
async def payme(owner_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Payme]:
    monkeypatch.setenv("DATABASE_URL", owner_dsn)

    async def run(*words: str) -> tuple[int, str]:
        done = await asyncio.to_thread(CliRunner().invoke, app, list(words))
        return done.exit_code, done.output.strip().splitlines()[-1]  # the applications log here too

    yield run
    connection = await asyncpg.connect(owner_dsn)
    await connection.execute("delete from platform_settings where name = 'maintenance'")
    await connection.close()


async def seen(apis: TwoApis, mode: str) -> float:
    """Wait until both processes are in a mode; return after how many seconds."""
    began = time.monotonic()
    for client in apis.clients:
        while (await client.get("/v1/status")).json()["maintenance"] != mode:
            assert time.monotonic() - began < 10, f"{mode} is not seen"
            await asyncio.sleep(0.01)
    return time.monotonic() - began


async def test_every_process_hears_of_a_mode_and_refuses_what_it_says(apis: TwoApis, payme: Payme) -> None:
    async with apis.running():
        cart, key = apis.shop.cart(), str(uuid4())
        sales = "select count(*) from sales where business_id = $1"
        before = await apis.inside.value(sales)
        assert await payme("set", "read_only", "--message", "Tunaboresha mfumo.", "--minutes", "2") == (
            0,
            "Maintenance is read_only.",
        )
        assert await seen(apis, "read_only") < SEEN_SECONDS
        for turn, client in enumerate(apis.clients):
            status = (await client.get("/v1/status")).json()
            assert (status["status"], status["message"]) == ("maintenance", "Tunaboresha mfumo.")
            assert status["until"] is not None
            refused = await apis.sell(turn, cart, key=key)
            assert (refused.status_code, refused.json()["code"]) == (503, "http.maintenance")
            assert refused.headers["content-type"].startswith("application/problem+json")
            assert 60 <= int(refused.headers["retry-after"]) <= 120
            read = await client.get(f"/v1/businesses/{apis.shop.id}/products")
            assert (read.status_code, read.headers["payme-maintenance"]) == (200, "read_only")
            assert (await client.post("/d/nobody/stk", json={})).status_code == 404, "M-Pesa is heard"
        assert await apis.inside.value(sales) == before
        assert (await payme("show"))[1].endswith("UTC. Tunaboresha mfumo.")
        await payme("set", "warn")
        assert await seen(apis, "warn") < SEEN_SECONDS
        sold = await apis.sell(0, cart, key=key)
        assert sold.status_code == 201, "what was told to come later has come"
        assert await apis.inside.value(sales) == before + 1
        await payme("set", "drain")
        assert await seen(apis, "drain") < SEEN_SECONDS
        ready = await apis.clients[0].get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["not_draining"]) == (503, False)
        assert (await apis.clients[1].get(f"/v1/businesses/{apis.shop.id}/products")).status_code == 503
        assert await payme("set", "off") == (0, "Maintenance is off.")
        assert await seen(apis, "off") < SEEN_SECONDS
        assert (await apis.sell(1, cart, key=key)).content == sold.content


async def test_a_process_that_starts_later_knows_and_a_time_that_has_passed_is_no_promise(
    apis: TwoApis, payme: Payme
) -> None:
    await payme("set", "read_only", "--minutes", "1")
    async with apis.running():
        assert (await apis.clients[0].get("/v1/status")).json()["maintenance"] == "read_only"
        edge = apis.applications[0].state.edge
        assert edge.notice.until is not None
        assert edge.maintenance_seconds() <= 60
        edge.hear(Notice("read_only", "", edge.notice.until - timedelta(hours=1)))
        assert edge.maintenance_seconds() == 1
    assert (await payme("set", "read_only", "--message", "x" * 201))[0] == 2
