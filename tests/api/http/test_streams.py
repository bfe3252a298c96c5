import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from payme.runtime.database import Database, PoolLimits, UnitOfWork
from payme.runtime.database.notifications import NotificationLine
from payme.runtime.events.broadcaster import Broadcaster
from payme.runtime.events.stream import BATCH, StoredEvent
from payme.runtime.http.live import frames
from tests.api.http.shelf import AddBranch, Doorman, add_branch
from tests.api.http.types import MakeApp, MakeClient

MakeOpened = Callable[..., Awaitable[Any]]
Add = Callable[..., Awaitable[None]]


class Browser:
    """One open stream, driven over plain ASGI, because a stream has no end that a client library could wait for."""

    def __init__(self, app: Any, path: str, *, query: str = "", headers: dict[str, str] | None = None) -> None:
        self.text, self.status = "", 0
        self._leave = asyncio.Event()
        given = {"authorization": "Bearer amina", **(headers or {})}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "scheme": "http",
            "query_string": query.encode(),
            "root_path": "",
            "client": ("203.0.113.7", 1),
            "server": ("shop.test", 80),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }
        self.ended = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._leave.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"").decode()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.005)

    async def leave(self) -> None:
        self._leave.set()
        await asyncio.wait_for(self.ended, 5)

    def events(self) -> list[dict[str, str]]:
        blocks = [
            dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            for block in self.text.split("\n\n")
        ]
        return [block for block in blocks if "data" in block]

    def labels(self) -> list[str]:
        return [json.loads(event["data"])["data"]["label"] for event in self.events()]


@pytest.fixture
async def opened(make_app: MakeApp, doorman: Doorman, business_id: UUID):
    """An application whose broadcaster hears, with somebody who may listen."""
    doorman.register("amina", business_id)
    apps = []

    async def make(**options: Any) -> Any:
        app = make_app(**options)
        await app.state.edge.broadcaster.open()
        apps.append(app)
        return app

    yield make
    for app in apps:
        app.state.edge.drain()
        await app.state.edge.broadcaster.close()


@pytest.fixture
def add(database: Database, business_id: UUID):
    async def add(*names: str) -> None:
        async def work(uow: UnitOfWork) -> None:
            for name in names:
                await add_branch(uow, AddBranch(name=name))

        await database.run(work, business_id=business_id)

    return add


@pytest.fixture
def path(business_id: UUID) -> str:
    return f"/v1/businesses/{business_id}/events"


async def test_what_happens_arrives_at_once(opened: MakeOpened, add: Add, path: str):
    await add("before the stream was opened")
    browser = Browser(await opened(), path)
    await browser.until(lambda: "retry:" in browser.text)
    await add("A")
    await add("B", "C")
    await browser.until(lambda: len(browser.events()) == 3)
    assert browser.labels() == ["A", "B", "C"]
    assert {event["event"] for event in browser.events()} == {"branch.added"}
    await browser.leave()


async def test_a_client_goes_on_after_the_last_event_it_saw(opened: MakeOpened, add: Add, path: str):
    app = await opened()
    await add("A")
    await add("B")
    first = Browser(app, path, headers={"last-event-id": "0"})
    await first.until(lambda: len(first.events()) == 2)
    await first.leave()
    await add("C")
    resumed = Browser(app, path, headers={"last-event-id": first.events()[0]["id"]})
    await resumed.until(lambda: len(resumed.events()) == 2)
    assert resumed.labels() == ["B", "C"]
    await resumed.leave()
    by_query = Browser(app, path, query=f"last_event_id={first.events()[1]['id']}")
    await by_query.until(lambda: by_query.labels() == ["C"])
    await by_query.leave()


async def test_the_id_comes_with_the_last_event_of_a_transaction(opened: MakeOpened, add: Add, path: str):
    app = await opened()
    await add("A", "B", "C")
    browser = Browser(app, path, headers={"last-event-id": "0"})
    await browser.until(lambda: len(browser.events()) == 3)
    assert ["id" in event for event in browser.events()] == [False, False, True]
    await browser.leave()


async def test_a_client_that_leaves_is_forgotten(opened: MakeOpened, path: str):
    app = await opened()
    browser = Browser(app, path)
    await browser.until(lambda: app.state.edge.broadcaster.watchers == 1)
    await browser.leave()
    assert app.state.edge.broadcaster.watchers == 0


async def test_a_lost_notification_is_healed_at_the_heartbeat(opened: MakeOpened, add: Add, path: str):
    app = await opened(heartbeat_seconds=0.05)
    browser = Browser(app, path, headers={"last-event-id": "0"})
    await browser.until(lambda: "retry:" in browser.text)
    app.state.edge.database.commit_listeners.remove(app.state.edge.broadcaster.committed)
    await add("unheard of")
    await browser.until(lambda: browser.labels() == ["unheard of"])
    await browser.until(lambda: ": heartbeat" in browser.text)
    await browser.leave()


async def test_a_stream_ends_by_itself_and_at_a_shutdown(opened: MakeOpened, path: str):
    app = await opened(stream_seconds=0.05)
    browser = Browser(app, path)
    await asyncio.wait_for(browser.ended, 5)
    assert browser.text.endswith("retry: 2000\n\n")
    app = await opened()
    browser = Browser(app, path)
    await browser.until(lambda: app.state.edge.broadcaster.watchers == 1)
    app.state.edge.drain()
    await asyncio.wait_for(browser.ended, 5)


async def test_whoever_loses_the_permission_loses_the_stream(opened: MakeOpened, doorman: Doorman, path: str):
    browser = Browser(await opened(heartbeat_seconds=0.02), path)
    await browser.until(lambda: "retry:" in browser.text)
    doorman.parts.clear()
    await asyncio.wait_for(browser.ended, 5)


async def test_names_choose_what_is_heard(opened: MakeOpened, add: Add, path: str):
    app = await opened()
    await add("A")
    browsers = {
        names: Browser(app, path, query=f"names={names}", headers={"last-event-id": "0"})
        for names in ("branch.*", "sale.*")
    }
    await browsers["branch.*"].until(lambda: browsers["branch.*"].labels() == ["A"])
    await browsers["sale.*"].until(lambda: "id: 1" in browsers["sale.*"].text)
    assert browsers["sale.*"].events() == []
    for browser in browsers.values():
        await browser.leave()


async def test_the_way_in_is_guarded(
    client: httpx2.AsyncClient, make_client: MakeClient, doorman: Doorman, business_id: UUID, path: str
):
    doorman.register("deaf", business_id, frozenset({"shelf.read"}))
    assert (await make_client(token="deaf").get(path)).status_code == 403
    assert (await make_client(token=None).get(path)).status_code == 401
    for bad in ("x", "-1", "9" * 30):
        answer = await client.get(path, headers={"last-event-id": bad})
        assert (answer.status_code, answer.json()["code"]) == (422, "events.last_event_unknown")
    full = make_client(largest_streams=0)
    assert (await full.get(path)).status_code == 503


async def test_a_batch_that_was_cut_off_keeps_its_last_id_back(database: Database):
    event = StoredEvent(7, uuid4(), "a.b", uuid4(), {}, database.clock.now())
    assert "id: 7" not in frames([event] * BATCH)
    assert frames([event] * (BATCH - 1)).count("id: 7") == 1


@pytest.fixture
async def neighbour(owner_dsn: str):
    """Another process, as far as notifications can tell: its own pool and its own line."""
    database = await Database(owner_dsn, limits=PoolLimits(connections=1)).open()
    broadcaster = Broadcaster(database, NotificationLine(owner_dsn))
    await broadcaster.open()
    yield database
    await broadcaster.close()
    await database.close()


async def test_a_commit_in_another_process_is_heard_of(
    opened: MakeOpened, neighbour: Database, owner_dsn: str, business_id: UUID, path: str
):
    app = await opened(notify_dsn=owner_dsn)
    browser = Browser(app, path)
    await browser.until(lambda: "retry:" in browser.text)
    await neighbour.run(lambda uow: add_branch(uow, AddBranch(name="next door")), business_id=business_id)
    await browser.until(lambda: browser.labels() == ["next door"])
    await browser.leave()


async def test_a_broken_line_is_made_again_and_its_gap_is_looked_after(
    opened: MakeOpened, neighbour: Database, owner_dsn: str, business_id: UUID, path: str
):
    app = await opened(notify_dsn=owner_dsn)
    browser = Browser(app, path)
    await browser.until(lambda: "retry:" in browser.text)
    line = app.state.edge.broadcaster._line
    line._connection.terminate()
    with contextlib.suppress(Exception):
        await line.send("x")
    await neighbour.run(lambda uow: add_branch(uow, AddBranch(name="in the gap")), business_id=business_id)
    await browser.until(lambda: browser.labels() == ["in the gap"])
    assert line.reconnects >= 1
    await browser.leave()
