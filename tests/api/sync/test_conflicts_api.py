"""Conflicts are settled once, by who may; clocks are bounded; two devices at once leave one document and one conflict."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from payme.features.sync.rules.clocks import milliseconds_of
from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.sync_client import Device, made, note
from tests.unchanged import unchanged


@pytest.fixture
def notes(owner: Counter) -> Device:
    return Device(owner.http, "notes")


async def open_conflict(owner: Counter, notes: Device, **second: Any) -> tuple[str, dict[str, Any]]:
    """Make a clash that waits for a person; return the document's id and the conflict."""
    await owner.http.post("sync/collections/notes/strategy", json={"strategy": "merge"})
    document = note("base")
    await notes.push(made(document))
    other = Device(owner.http, "notes", "b", documents={document["id"]: document})
    await notes.push(notes.edit(document["id"], text="first", title="first"))
    await other.push(other.edit(document["id"], **(second or {"text": "second", "title": "second"})))
    (conflict,) = (await owner.get("sync/conflicts", open=True)).json()["data"]
    return document["id"], conflict


async def resolve(owner: Counter, conflict: dict[str, Any], **body: Any) -> Any:
    return await owner.http.post(f"sync/conflicts/{conflict['id']}/resolve", json=body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"choice": "server"}, {"text": "first", "title": "first"}),
        ({"choice": "client"}, {"text": "second", "title": "second"}),
        ({"choice": "merged", "document": {"text": "third"}}, {"text": "third", "title": "first"}),
    ],
)
async def test_a_conflict_is_settled_once(
    owner: Counter, notes: Device, body: dict[str, Any], expected: dict[str, str]
):
    document_id, conflict = await open_conflict(owner, notes)
    assert (conflict["kind"], conflict["fields"], conflict["choice"]) == ("modified", ["text", "title"], None)
    assert (await owner.get("sync/status")).json()["open_conflicts"] == 1
    answer = await resolve(owner, conflict, **body)
    assert (answer.status_code, answer.json()["choice"]) == (200, body["choice"])
    await notes.pull()
    assert notes.live()[document_id].items() >= expected.items()
    assert (await owner.get("sync/conflicts", open=True)).json()["data"] == []
    assert (await owner.get("sync/status")).json()["open_conflicts"] == 0
    (settled,) = (await owner.get("sync/conflicts", open=False)).json()["data"]
    assert owner.shop.owner is not None
    assert (settled["choice"], settled["resolved_by"]) == (body["choice"], str(owner.shop.owner.id))
    logged = "select count(*) from audit_log where business_id = $1 and action = 'sync.conflict_resolved'"
    assert await owner.shop.value(logged) == 1
    async with unchanged(owner.shop):
        again = await resolve(owner, conflict, choice="client")
        assert (again.status_code, again.json()["code"]) == (409, "sync.conflict_closed")


async def test_a_deletion_that_lost_may_be_taken_after_all(owner: Counter, notes: Device):
    document_id, conflict = await open_conflict(owner, notes, _deleted=True)
    await notes.pull()
    assert document_id in notes.live()
    assert (await resolve(owner, conflict, choice="client")).status_code == 200
    await notes.pull()
    assert document_id not in notes.live()
    assert await notes.push(made(note("base"))) == []


async def test_what_makes_no_sense_settles_nothing(owner: Counter, cashier: Counter, notes: Device):
    _, conflict = await open_conflict(owner, notes)
    async with unchanged(owner.shop):
        for body, expected in (
            ({"choice": "merged"}, (422, "sync.choice_incomplete")),
            ({"choice": "server", "document": {"text": "x"}}, (422, "sync.choice_incomplete")),
            ({"choice": "merged", "document": {"text": 7}}, (422, "sync.document_invalid")),
            ({"choice": "merged", "document": {"colour": "red"}}, (422, "sync.document_invalid")),
            ({"choice": "nobody"}, (422, "http.invalid")),
        ):
            answer = await resolve(owner, conflict, **body)
            assert (answer.status_code, answer.json()["code"]) == expected
        unknown = await resolve(owner, {"id": new_id()}, choice="server")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "sync.conflict_not_found")
        assert (await resolve(cashier, conflict, choice="server")).status_code == 403


async def test_two_people_at_once_settle_it_once(owner: Counter, notes: Device):
    _, conflict = await open_conflict(owner, notes)
    answers = await asyncio.gather(*(resolve(owner, conflict, choice=each) for each in ("client", "server") * 4))
    assert sorted(each.status_code for each in answers) == [200] + [409] * 7


async def test_a_clock_that_is_two_days_ahead_wins_for_five_minutes(owner: Counter, notes: Device):
    now = milliseconds_of(owner.shop.database.clock.now())
    days, minutes = (timedelta(days=2) // timedelta(milliseconds=1)), 6 * 60_000
    document = note("base", at=now)
    await notes.push(made(document))
    wrong, right = (Device(owner.http, "notes", name, documents={document["id"]: document}) for name in "xy")
    assert await wrong.push(wrong.edit(document["id"], text="wrong clock", hlc=f"{now + days}-0-x")) == []
    assert await right.push(right.edit(document["id"], text="written later", hlc=f"{now + minutes}-0-y")) == []
    await notes.pull()
    stored = int(notes.documents[document["id"]]["hlc"].split("-")[0])
    assert notes.documents[document["id"]]["text"] == "written later"
    assert now < stored <= now + minutes


@pytest.mark.parametrize("strategy", ["last_write_wins", "merge", "server_wins"])
async def test_two_devices_that_make_or_change_one_at_once(owner: Counter, notes: Device, strategy: str):
    await owner.http.post("sync/collections/notes/strategy", json={"strategy": strategy})
    document = note("base")
    rows = [made({**document, "text": f"t{number}", "hlc": f"{number}-0-d"}) for number in range(8)]
    answers = await asyncio.gather(*(notes.send(row) for row in rows))
    assert {each.status_code for each in answers} == {200}
    reader = Device(owner.http, "notes")
    assert await reader.pull() == 1
    conflicts = (await owner.get("sync/conflicts", limit=50)).json()["data"]
    assert len(conflicts) == 7, "one made it, and each other clashed"
    assert {each["kind"] for each in conflicts} == {"duplicate"}
    if strategy == "last_write_wins":
        assert reader.documents[document["id"]]["text"] == "t7"
    if strategy == "server_wins":
        assert reader.documents[document["id"]]["rev"] == 1


async def test_two_devices_that_make_one_product_at_once(owner: Counter):
    products = Device(owner.http, "products")
    new = {"id": str(new_id()), "price_cents": 100, "_deleted": False}
    answers = await asyncio.gather(*(products.send(made({**new, "name": f"P{n}"})) for n in range(4)))
    assert {each.status_code for each in answers} == {200}
    assert sorted(len(each.json()) for each in answers) == [0, 1, 1, 1]
    stored = (await owner.get(f"products/{new['id']}")).json()["name"]
    assert {each["name"] for answer in answers for each in answer.json()} == {stored}
