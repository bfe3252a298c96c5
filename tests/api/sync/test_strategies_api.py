"""Three devices, one document, each strategy against each way to clash: they converge, a conflict tells who lost, and all is still."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from tests.api.trade.conftest import Counter
from tests.fault_rows import FaultRow
from tests.sync_client import Device, made, note

EDITS: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "same field": ({"text": "first", "hlc": "5000-0-a"}, {"text": "second", "hlc": "6000-0-b"}),
    "other field": ({"text": "first", "hlc": "5000-0-a"}, {"title": "second", "hlc": "6000-0-b"}),
    "delete against edit": ({"text": "first", "hlc": "5000-0-a"}, {"_deleted": True, "hlc": "6000-0-b"}),
}
FIRST = {"text": "first", "title": ""}
ENDS: Mapping[tuple[str, str], tuple[dict[str, str] | None, str, str]] = {
    ("server_wins", "same field"): (FIRST, "modified", "server"),
    ("server_wins", "other field"): (FIRST, "version_mismatch", "server"),
    ("server_wins", "delete against edit"): (FIRST, "deleted", "server"),
    ("client_wins", "same field"): ({"text": "second", "title": ""}, "modified", "client"),
    ("client_wins", "other field"): ({"text": "base", "title": "second"}, "version_mismatch", "client"),
    ("client_wins", "delete against edit"): (None, "deleted", "client"),
    ("last_write_wins", "same field"): ({"text": "second", "title": ""}, "modified", "client"),
    ("last_write_wins", "other field"): ({"text": "base", "title": "second"}, "version_mismatch", "client"),
    ("last_write_wins", "delete against edit"): (None, "deleted", "client"),
    ("merge", "same field"): (FIRST, "modified", "open"),
    ("merge", "other field"): ({"text": "first", "title": "second"}, "version_mismatch", "merged"),
    ("merge", "delete against edit"): (FIRST, "deleted", "open"),
}


async def choose(owner: Counter, strategy: str) -> None:
    answer = await owner.http.post("sync/collections/notes/strategy", json={"strategy": strategy})
    assert (answer.status_code, answer.json()["strategy"]) == (200, strategy)


async def standing(owner: Counter) -> tuple[int, int]:
    """Return the counter, and how many conflicts there are."""
    status = (await owner.get("sync/status")).json()
    return status["seq"], len((await owner.get("sync/conflicts", limit=200)).json()["data"])


async def stays_still(owner: Counter, devices: list[Device]) -> None:
    """Let every device push back what it holds, three times: nothing moves."""
    before = await standing(owner)
    for _ in range(3):
        for device in devices:
            rows = [device.edit(each) for each in device.documents]
            # An echo after a conflict assumes what the device last thought to be there, which may be anything.
            rows += [made(each) for each in device.documents.values()]
            for start in range(0, len(rows), 200):
                assert await device.push(*rows[start : start + 200]) == []
            assert await device.pull() == 0
    assert await standing(owner) == before


@pytest.mark.faults
@pytest.mark.fault_row(13)
@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("strategy", ["server_wins", "client_wins", "last_write_wins", "merge"])
async def test_three_devices_converge(row: FaultRow, owner: Counter, strategy: str, edit: str):
    await choose(owner, strategy)
    devices = [Device(owner.http, "notes", name) for name in "abc"]
    document = note("base")
    await devices[0].push(made(document))
    for device in devices:
        await device.pull()
    first, second = EDITS[edit]
    assert await devices[0].push(devices[0].edit(document["id"], **first)) == []
    await devices[1].push(devices[1].edit(document["id"], **second))
    for device in devices:
        await device.pull()
    end, kind, outcome = ENDS[strategy, edit]
    for device in devices:
        live = device.live().get(document["id"])
        assert live == (None if end is None else {**live, **end} if live else {}), device.name
    (conflict,) = (await owner.get("sync/conflicts")).json()["data"]
    assert (conflict["kind"], conflict["strategy"], conflict["outcome"]) == (kind, strategy, outcome)
    assert (conflict["base"]["text"], conflict["server"]["text"]) == ("base", "first")
    assert conflict["client"].items() >= second.items()
    await stays_still(owner, devices)
    row.counts.update(sent=3, applied=2, conflicts=1)


@pytest.mark.faults
@pytest.mark.fault_row(13)
async def test_any_edits_of_three_devices_converge(row: FaultRow, owner: Counter):
    rng, lost = row.rng, 0
    devices = [Device(owner.http, "notes", name) for name in "abc"]
    documents = [note("base") for _ in range(row.size(4, 20))]
    await devices[0].push(*map(made, documents))
    for turn in range(row.size(20, 100)):
        if turn % 25 == 0:
            await choose(owner, rng.choice(["server_wins", "client_wins", "last_write_wins", "merge"]))
        device = rng.choice(devices)
        if rng.random() < 0.4:
            await device.pull(limit=rng.choice([1, 3, 100]))
        known = [each for each in device.documents if not device.documents[each].get("_deleted")]
        if known:
            lost += len(await device.push(device.edit(rng.choice(known), **_change(rng, turn, device.name))))
    for device in devices:
        await device.pull()
    assert devices[0].live() == devices[1].live() == devices[2].live()
    await stays_still(owner, devices)
    row.counts.update(sent=row.size(20, 100), lost=lost)


def _change(rng: random.Random, turn: int, name: str) -> dict[str, Any]:
    hlc = f"{5_000 + rng.randint(-3, 3) + turn}-0-{name}"
    if rng.random() < 0.15:
        return {"_deleted": True, "hlc": hlc}
    return {rng.choice(["text", "title"]): f"{name}{turn}", "hlc": hlc}


async def test_a_business_chooses_within_what_the_kind_allows(owner: Counter, cashier: Counter):
    listed = {each["name"]: each for each in (await owner.get("sync/collections")).json()}
    assert listed["products"]["allowed"] == ["server_wins"]
    assert (listed["stock_levels"]["strategy"], listed["stock_levels"]["allowed"]) == (None, [])
    assert listed["customers"]["strategy"] == "merge"
    for name, strategy, expected in (
        ("products", "client_wins", (409, "sync.strategy_not_allowed")),
        ("notes", "manual", (409, "sync.strategy_not_allowed")),
        ("stock_levels", "server_wins", (409, "sync.collection_read_only")),
        ("nothing", "merge", (404, "sync.collection_unknown")),
        ("notes", "whatever", (422, "http.invalid")),
    ):
        answer = await owner.http.post(f"sync/collections/{name}/strategy", json={"strategy": strategy})
        assert (answer.status_code, answer.json()["code"]) == expected
    assert (await cashier.http.post("sync/collections/notes/strategy", json={"strategy": "merge"})).status_code == 403
    assert {each["name"]: each for each in (await owner.get("sync/collections")).json()} == listed


async def test_customers_are_merged_by_field(owner: Counter):
    answer = await owner.post("customers", {"name": "Achieng", "phone": "0712345678", "note": "base"})
    customer = answer.json()
    devices = [Device(owner.http, "customers", name) for name in "ab"]
    for device in devices:
        await device.pull()
        assert "phone" not in device.documents[customer["id"]]
        assert device.documents[customer["id"]]["phone_masked"].endswith("678")
    await devices[0].push(devices[0].edit(customer["id"], note="first"))
    (stored,) = await devices[1].push(devices[1].edit(customer["id"], name="Akinyi"))
    assert (stored["name"], stored["note"]) == ("Akinyi", "first")
    shown = (await owner.get(f"customers/{customer['id']}")).json()
    assert (shown["name"], shown["note"], shown["phone"]) == ("Akinyi", "first", customer["phone"])
    (refused,) = await devices[0].push(devices[0].edit(customer["id"], phone="0799999999"))
    assert "phone" not in refused
    rows = await owner.shop.rows("select client::text from sync_conflicts where business_id = $1 and kind = 'refused'")
    assert "0799999999" not in rows[0][0]
    await devices[0].pull()
    await stays_still(owner, devices[:1])
