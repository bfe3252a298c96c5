"""Rows by a device's own credential: what it sees of its branch, what it may write, and the end of that when it is revoked."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.api.trade.conftest import Counter
from tests.sync_client import Device as Replica
from tests.sync_client import made, note
from tests.tills import Device

Join = Callable[..., Awaitable[Device]]


def replica(till: Device, collection: str) -> Replica:
    till.http.headers.update(till.headers())
    return Replica(till.http, collection)


async def branches(owner: Counter) -> tuple[str, str]:
    """Return the branch where devices are registered, and another one."""
    first = (await owner.get("branches")).json()["data"][0]["id"]
    made_one = await owner.post("branches", {"name": "Kariakor"})
    assert made_one.status_code == 201, made_one.text
    return first, made_one.json()["id"]


async def test_a_device_sees_its_branch_and_is_told_of_what_leaves_it(till: Device, owner: Counter):
    here, there = await branches(owner)
    office, device = Replica(owner.http, "notes"), replica(till, "notes")
    ours, theirs, moving = note("ours", branch_id=here), note("theirs", branch_id=there), note("moving", branch_id=here)
    await office.push(*map(made, (ours, theirs, moving, note("everywhere"))))
    await device.pull(limit=2)
    assert {each["text"] for each in device.documents.values()} == {"ours", "moving", "everywhere"}
    await office.pull()
    assert {each["text"] for each in office.documents.values()} >= {"theirs"}
    await office.push(office.edit(moving["id"], branch_id=there, hlc="2000-0-office"))
    assert await device.pull() == 1
    assert device.documents[moving["id"]].keys() == {"id", "rev", "_deleted"}
    assert moving["id"] not in device.live()


async def test_a_device_writes_what_people_at_it_describe_and_no_prices(till: Device, owner: Counter):
    product = (await owner.post("products", {"name": "Chai", "price_cents": 100})).json()
    customer = (await owner.post("customers", {"name": "Achieng"})).json()
    products, customers, notes = (replica(till, name) for name in ("products", "customers", "notes"))
    for each in (products, customers):
        await each.pull()
    assert await customers.push(customers.edit(customer["id"], note="Pays on Fridays")) == []
    assert (await owner.get(f"customers/{customer['id']}")).json()["note"] == "Pays on Fridays"
    assert await notes.push(made(note())) == []
    (kept,) = await products.push(products.edit(product["id"], price_cents=1))
    assert kept["price_cents"] == 100
    assert (await owner.get(f"products/{product['id']}")).json()["price_cents"] == 100
    rows: list[tuple[Any, ...]] = await owner.shop.rows(
        "select collection, device_id, app_version from sync_audit where business_id = $1 and kind = 'push' order by id"
    )
    assert rows == [(name, till.id, "test") for name in ("customers", "notes", "products")]


async def test_a_revoked_device_is_given_nothing_and_writes_nothing(till: Device, owner: Counter):
    device = replica(till, "notes")
    await device.push(made(note("before")))
    assert (await owner.http.delete(f"devices/{till.id}")).status_code == 204
    before = await written(owner)
    for answer in (await device.ask(), await device.send(made(note("after")))):
        assert (answer.status_code, answer.json()["code"]) == (403, "sync.device_revoked")
        assert "documents" not in answer.json()
    assert await written(owner) == before


async def written(owner: Counter) -> tuple[int, ...]:
    """Count what an exchange leaves behind; the device itself keeps when it was last heard of."""
    tables = ("sync_documents", "sync_changes", "sync_conflicts", "sync_audit")
    return tuple([await owner.shop.value(f"select count(*) from {each} where business_id = $1") for each in tables])
