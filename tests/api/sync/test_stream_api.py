"""The stream names what changed and never what it holds; it hears of other processes too."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from payme.features.catalog import CreateProduct, create_product
from payme.runtime.database import Database, PoolLimits
from payme.runtime.database.notifications import NotificationLine
from payme.runtime.events.broadcaster import Broadcaster
from tests.api.http.test_streams import Browser
from tests.api.trade.conftest import Counter
from tests.sync_client import Device, made, note
from tests.trade import open_database


@pytest_asyncio.fixture
async def listening(app: Any, owner_dsn: str) -> AsyncIterator[Any]:
    """The application, hearing of commits in other processes."""
    edge = app.state.edge
    before, edge.broadcaster = edge.broadcaster, Broadcaster(edge.database, NotificationLine(owner_dsn))
    await edge.broadcaster.open()
    yield app
    await edge.broadcaster.close()
    edge.broadcaster = before


@pytest_asyncio.fixture
async def neighbour(owner_dsn: str) -> AsyncIterator[Database]:
    """Another process, as far as notifications can tell."""
    database = await open_database(owner_dsn, limits=PoolLimits(connections=2))
    broadcaster = Broadcaster(database, NotificationLine(owner_dsn))
    await broadcaster.open()
    yield database
    await broadcaster.close()
    await database.close()


def open_stream(app: Any, owner: Counter) -> Browser:
    path = f"/v1/businesses/{owner.shop.business_id}/sync/stream"
    return Browser(app, path, headers={"authorization": owner.http.headers["authorization"]})


def told(browser: Browser) -> dict[str, int]:
    """Return the newest number told of each collection."""
    heard = [json.loads(event["data"]) for event in browser.events()]
    assert all(each.keys() == {"collection", "seq"} for each in heard)
    return {each["collection"]: each["seq"] for each in heard}


async def test_it_begins_with_where_all_stand_and_goes_on_with_what_moves(listening: Any, owner: Counter):
    notes = Device(owner.http, "notes")
    browser = open_stream(listening, owner)
    await browser.until(lambda: "notes" in told(browser))
    begun = told(browser)
    assert begun["notes"] == 0
    assert begun["settings"] > 0
    await notes.push(made(note("a secret")))
    await browser.until(lambda: told(browser)["notes"] > 0)
    await notes.pull()
    assert told(browser) == {**begun, "notes": notes.checkpoint["seq"]}
    assert "secret" not in browser.text
    await browser.leave()


async def test_it_hears_of_other_processes(listening: Any, owner: Counter, neighbour: Database):
    browser = open_stream(listening, owner)
    await browser.until(lambda: "products" in told(browser))
    assert told(browser)["products"] == 0
    command = CreateProduct(name="Chai", price_cents=100)
    await neighbour.run(lambda uow: create_product(uow, command), business_id=owner.shop.business_id)
    await browser.until(lambda: told(browser)["products"] > 0)
    assert told(browser)["stock_levels"] == told(browser)["products"]
    await browser.leave()


@pytest.mark.parametrize("name", ["accountant", "nobody"])
async def test_the_way_in_is_guarded(app: Any, owner: Counter, name: str):
    token = owner.http.headers["authorization"] if name == "nobody" else "Bearer x"
    other = "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b11" if name == "nobody" else str(owner.shop.business_id)
    browser = Browser(app, f"/v1/businesses/{other}/sync/stream", headers={"authorization": token})
    await browser.until(lambda: browser.status != 0)
    assert browser.status == (404 if name == "nobody" else 401)
