"""Rows over HTTP: pages, pushes, limits, and who may do what; a refused row is kept and undoes nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payme.features.sync.services.standing import begin_epoch
from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.people import Person
from tests.sync_client import Device, made, note
from tests.trade import TradingShop
from tests.unchanged import unchanged

MakeCounter = Callable[[TradingShop, Person], Counter]


@pytest.fixture
def notes(owner: Counter) -> Device:
    return Device(owner.http, "notes")


@pytest.fixture
def products(owner: Counter) -> Device:
    return Device(owner.http, "products")


async def add_product(owner: Counter, **fields: Any) -> dict[str, Any]:
    answer = await owner.post("products", {"name": "Chai", "price_cents": 100, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_page_holds_exactly_its_limit_and_nothing_is_left_out(notes: Device):
    documents = [note(f"n{number}") for number in range(7)]
    await notes.push(*map(made, documents))
    reader, sizes = Device(notes.http, "notes"), list[int]()
    while not sizes or sizes[-1] == 3:
        page = (await reader.ask(3)).json()
        reader.documents.update({each["id"]: each for each in page["documents"]})
        reader.checkpoint = page["checkpoint"]
        sizes.append(len(page["documents"]))
    assert sizes == [3, 3, 1]
    assert {each["text"] for each in reader.documents.values()} == {f"n{number}" for number in range(7)}
    again = (await reader.ask(3)).json()
    assert again == {"documents": [], "checkpoint": reader.checkpoint}


async def test_products_come_as_a_till_needs_them(owner: Counter, products: Device):
    made_product = await add_product(owner, barcodes=["222", "111"], buying_price_cents=70)
    await products.pull()
    shown = products.documents[made_product["id"]]
    assert shown["_deleted"] is False
    assert shown["barcodes"] == ["111", "222"]
    assert "buying_price_cents" not in shown
    common = shown.keys() & made_product.keys()
    assert {name: shown[name] for name in common} == {name: made_product[name] for name in common}
    before = products.checkpoint["seq"]
    await owner.http.patch(
        f"products/{made_product['id']}",
        json={"price_cents": 120},
        headers={"if-match": await _tag(owner, made_product)},
    )
    assert await products.pull() == 1
    assert products.documents[made_product["id"]]["price_cents"] == 120
    assert products.checkpoint["seq"] > before


async def _tag(owner: Counter, product: dict[str, Any]) -> str:
    return (await owner.get(f"products/{product['id']}")).headers["etag"]


async def test_stock_settings_and_methods_are_pulled_and_never_pushed(owner: Counter):
    product = await add_product(owner)
    stock, settings, methods = (Device(owner.http, name) for name in ("stock_levels", "settings", "payment_methods"))
    for each in (stock, settings, methods):
        await each.pull()
    assert stock.documents[product["id"]]["on_hand"] == "0"
    (business,) = settings.documents.values()
    assert business["id"] == str(owner.shop.business_id)
    assert {rate["vat_class"] for rate in business["vat_rates"]} >= {"A", "B"}
    (paid,) = methods.documents.values()
    assert [set(each) for each in paid["methods"]] == [{"kind", "shortcode", "till_number", "account_reference"}]
    received = {"product_id": product["id"], "quantity": "5", "total_cost_cents": 500}
    assert (await owner.post("stock/receipts", received)).status_code == 201
    assert await stock.pull() == 1
    assert stock.documents[product["id"]]["available"] == "5"
    async with unchanged(owner.shop):
        for each in (stock, settings, methods):
            document = next(iter(each.documents.values()))
            answer = await each.send({"newDocumentState": {**document, "on_hand": "9"}})
            assert (answer.status_code, answer.json()["code"]) == (409, "sync.collection_read_only")


async def test_a_product_is_made_changed_and_not_deleted_by_a_push(products: Device, owner: Counter):
    new = {"id": str(new_id()), "name": "Mandazi", "price_cents": 2000, "_deleted": False}
    assert await products.push(made(new)) == []
    await products.pull()
    known = products.documents[new["id"]]
    assert known["name"] == "Mandazi"
    assert await products.push(products.edit(new["id"], price_cents=2500)) == []
    assert (await owner.get(f"products/{new['id']}")).json()["price_cents"] == 2500
    await products.pull()
    (kept,) = await products.push(products.edit(new["id"], _deleted=True))
    assert (kept["price_cents"], kept["_deleted"]) == (2500, False)
    (refused,) = (await owner.get("sync/conflicts")).json()["data"]
    assert (refused["kind"], refused["outcome"]) == ("refused", "server")
    assert refused["reason"]["code"] == "sync.not_deletable"


async def test_an_echo_is_no_change(notes: Device):
    document = note()
    await notes.push(made(document))
    await notes.pull()
    before = notes.checkpoint
    assert await notes.push(notes.edit(document["id"])) == []
    assert await notes.push(made(document)) == []
    assert await notes.push({**notes.edit(document["id"]), "assumedMasterState": {**document, "text": "old"}}) == []
    assert await notes.pull() == 0
    assert notes.checkpoint == before


async def test_one_bad_row_undoes_nothing_of_the_others(notes: Device, owner: Counter):
    good, worse, better = note("good"), note("x" * 5_000), note("better")
    unknown, other = note("unknown field", colour="red"), note("assumed of another")
    timeless = note("no time", hlc=5)
    rows = [*map(made, (good, worse, unknown, timeless)), {**made(other), "assumedMasterState": note()}, made(better)]
    answered = await notes.push(*rows)
    assert [each["id"] for each in answered if each["_deleted"]] == [
        each["id"] for each in (worse, unknown, timeless, other)
    ]
    reader = Device(notes.http, "notes")
    await reader.pull()
    assert {each["text"] for each in reader.documents.values()} == {"good", "better"}
    conflicts = (await owner.get("sync/conflicts")).json()["data"]
    assert [(each["kind"], each["reason"]["pointer"]) for each in conflicts] == [
        ("refused", "/assumedMasterState/id"),
        ("refused", "/hlc"),
        ("refused", "/colour"),
        ("refused", "/text"),
    ]
    assert conflicts[3]["client"]["text"] == worse["text"]
    await notes.push(made(worse))
    assert len((await owner.get("sync/conflicts")).json()["data"]) == 4, "a repetition is no second conflict"


async def test_a_cashier_writes_notes_and_no_products(cashier: Counter, owner: Counter):
    product = await add_product(owner)
    products, notes = Device(cashier.http, "products"), Device(cashier.http, "notes")
    await products.pull()
    (kept,) = await products.push(products.edit(product["id"], price_cents=1))
    assert kept["price_cents"] == 100
    assert (await owner.get(f"products/{product['id']}")).json()["price_cents"] == 100
    assert await notes.push(made(note())) == []
    (refused,) = (await owner.get("sync/conflicts")).json()["data"]
    assert refused["reason"]["code"] == "sync.write_forbidden"
    for path in ("sync/conflicts", "sync/status"):
        assert (await cashier.get(path)).status_code == 403


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("sync/nothing/pull", {}, (404, "sync.collection_unknown")),
        ("sync/notes/pull", {"limit": 1001}, (422, "http.invalid")),
        ("sync/notes/pull", {"limit": 0}, (422, "http.invalid")),
        ("sync/notes/pull", {"epoch": 2, "seq": 1}, (410, "sync.resync_required")),
        ("sync/notes/pull", {"epoch": 1, "seq": 1_000_000}, (410, "sync.resync_required")),
    ],
)
async def test_a_pull_that_makes_no_sense_is_refused(
    owner: Counter, path: str, query: dict[str, Any], expected: tuple[int, str]
):
    async with unchanged(owner.shop):
        answer = await owner.get(path, **query)
        assert (answer.status_code, answer.json()["code"]) == expected


async def test_a_push_that_is_too_large_or_not_understood_writes_nothing(notes: Device, owner: Counter):
    rows = [made(note()) for _ in range(201)]
    async with unchanged(owner.shop):
        answer = await notes.send(*rows)
        assert (answer.status_code, answer.json()["code"]) == (413, "sync.too_many_operations")
        for bad in ({"newDocumentState": {"text": "no id"}}, {"newDocumentState": None}, {}):
            assert (await notes.send(bad)).status_code == 422
        huge = made(note("x" * 1_100_000))
        assert (await notes.send(huge)).status_code == 413
        path = "sync/notes/push"
        answer = await owner.http.post(path, json=[made(note())], headers={"x-sync-protocol": "2"})
        assert (answer.status_code, answer.json()["code"]) == (426, "sync.protocol_unknown")
    assert await notes.push(*rows[:200]) == []


async def test_answers_carry_time_and_epoch(notes: Device):
    for answer in (await notes.ask(), await notes.send(made(note()))):
        assert answer.headers["x-sync-epoch"] == "1"
        told = datetime.fromtimestamp(int(answer.headers["x-server-time"]) / 1000, UTC)
        assert abs(told - datetime.now(UTC)) < timedelta(seconds=60)
        assert answer.headers["cache-control"] == "no-store"


async def test_an_older_epoch_is_served_from_the_fork(notes: Device, owner: Counter):
    before, after = note("before"), note("after the restore")
    await notes.push(made(before))
    await notes.pull()
    lost = Device(notes.http, "notes", checkpoint={**notes.checkpoint, "seq": notes.checkpoint["seq"] + 500})
    shop = owner.shop
    assert await shop.database.run(begin_epoch, business_id=shop.business_id) == 2
    await notes.push(made(after))
    assert await lost.pull() == 1
    assert [each["text"] for each in lost.documents.values()] == ["after the restore"]
    assert (lost.checkpoint["epoch"], lost.checkpoint["seq"] > 1_000_000) == (2, True)
    assert await notes.pull() == 1
    assert (await notes.ask()).headers["x-sync-epoch"] == "2"


async def test_another_shop_sees_none_of_it(
    notes: Device, other_shop: TradingShop, counter_for: MakeCounter, owner: Counter
):
    document = note()
    await notes.push(made(document))
    assert other_shop.owner is not None
    stranger = Device(counter_for(other_shop, other_shop.owner).http, "notes")
    assert await stranger.pull() == 0
    base = f"/v1/businesses/{owner.shop.business_id}/sync"
    async with unchanged(owner.shop):
        assert (await stranger.http.get(f"{base}/notes/pull")).status_code == 404
        assert (await stranger.http.post(f"{base}/notes/push", json=[made(note())])).status_code == 404


async def test_every_exchange_is_recorded(notes: Device, owner: Counter):
    good, bad = note(), note("x" * 5_000)
    await notes.push(made(good), made(bad))
    await notes.push(made(good))
    await notes.pull()
    rows = await owner.shop.rows(
        "select kind, collection, rows, applied, rejected, duplicates, conflicts from sync_audit"
        " where business_id = $1 order by recorded_at, id"
    )
    assert rows == [
        ("push", "notes", 2, 1, 1, 0, 0),
        ("push", "notes", 1, 0, 0, 1, 0),
        ("pull", "notes", 1, 0, 0, 0, 0),
    ]
    status = (await owner.get("sync/status")).json()
    assert status["epoch"] == 1
    assert status["seq"] == await owner.shop.value("select seq from sync_state($1)")
    (device,) = status["devices"]
    assert device["last_push_at"] is not None
    assert device["last_pull_at"] is not None
