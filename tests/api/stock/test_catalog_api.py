"""The catalogue over HTTP."""

import httpx2

from payme.kit.ids import new_id
from payme.runtime.database import Database
from tests.api.stock.conftest import ClientFor
from tests.people import Shop, hire, make_shop

CHAI = {"name": "Chai", "price_cents": 5_000, "reorder_point": "2.5", "buying_price_cents": 4_000}


async def test_a_product_is_made_read_and_changed(client: httpx2.AsyncClient):
    made = await client.post("products", json={**CHAI, "id": str(new_id()), "barcode": "616110"})
    assert (made.status_code, made.json()["reorder_point"], made.json()["vat_class"]) == (201, "2.5", "B")
    path = f"products/{made.json()['id']}"
    read = await client.get(path)
    assert read.json() == made.json()
    assert (await client.get(path, headers={"if-none-match": read.headers["etag"]})).status_code == 304
    assert (await client.patch(path, json={"price_cents": 6_000})).status_code == 428
    headers = {"if-match": read.headers["etag"]}
    changed = await client.patch(path, json={"price_cents": 6_000, "barcodes": []}, headers=headers)
    assert (changed.status_code, changed.json()["price_cents"], changed.json()["barcode"]) == (200, 6_000, None)
    assert (await client.patch(path, json={"price_cents": 7_000}, headers=headers)).status_code == 412
    headers = {"if-match": changed.headers["etag"]}
    assert (await client.patch(path, json={"name": None}, headers=headers)).status_code == 422


async def test_refusals_have_their_codes(client: httpx2.AsyncClient):
    await client.post("products", json={**CHAI, "sku": "A-1"})
    taken = await client.post("products", json={**CHAI, "sku": "A-1"})
    assert (taken.status_code, taken.json()["code"]) == (409, "catalog.sku_taken")
    unknown = await client.get(f"products/{new_id()}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "catalog.product_not_found")
    invalid = await client.post(
        "products", json={**CHAI, "price_cents": -1, "id": "0b9f2ff6-6d0c-4b2c-9c7a-3f1f7f5d2a1c"}
    )
    assert invalid.status_code == 422
    assert {error["pointer"] for error in invalid.json()["errors"]} == {"/price_cents", "/id"}


async def test_the_list_comes_in_pages_and_not_twice(client: httpx2.AsyncClient):
    for name in ("b", "a", "c"):
        await client.post("products", json={**CHAI, "name": name})
    first = await client.get("products", params={"limit": 2})
    assert [each["name"] for each in first.json()["data"]] == ["a", "b"]
    assert first.json()["has_more"]
    rest = await client.get("products", params={"limit": 2, "cursor": first.json()["next_cursor"]})
    assert ([each["name"] for each in rest.json()["data"]], rest.json()["has_more"]) == (["c"], False)
    known = {"if-none-match": first.headers["etag"]}
    assert (await client.get("products", params={"limit": 2}, headers=known)).status_code == 304
    await client.post("products", json={**CHAI, "name": "d"})
    assert (await client.get("products", params={"limit": 2}, headers=known)).status_code == 200
    found = await client.get("products", params={"q": "D", "active": "true"})
    assert [each["name"] for each in found.json()["data"]] == ["d"]


async def test_a_file_comes_in_and_goes_out(client: httpx2.AsyncClient):
    csv = {"content-type": "text/csv"}
    body = "name,price\nChai,60\nBad,x\n"
    dry = await client.post("products/import", params={"dry_run": 1}, content=body, headers=csv)
    assert (dry.status_code, dry.json()["imported"], dry.json()["dry_run"]) == (200, 1, True)
    report = await client.post("products/import", content=body, headers=csv)
    assert report.json()["errors"] == [
        {
            "row": 3,
            "column": "price",
            "code": "not_an_amount",
            "detail": "Write an amount in shillings, such as 120 or 120.50",
        }
    ]
    out = await client.get("products/export")
    assert out.headers["content-type"].startswith("text/csv")
    assert out.text.splitlines()[1].startswith("Chai,,,each,,60.00,")
    refused = await client.post("products/import", content="name\n", headers=csv)
    assert (refused.status_code, refused.json()["code"]) == (422, "catalog.csv_header")


async def test_rates_are_open_to_everybody(client: httpx2.AsyncClient):
    rates = await client.get(
        "http://shop.test/v1/vat-rates", params={"on": "2026-11-22"}, headers={"authorization": ""}
    )
    assert {each["vat_class"]: each["rate_basis_points"] for each in rates.json()} == {
        "A": 0,
        "B": 1600,
        "C": 0,
        "D": 0,
        "E": 800,
    }


async def test_a_cashier_reads_without_costs_and_changes_nothing(
    client_for: ClientFor, client: httpx2.AsyncClient, shop: Shop
):
    await client.post("products", json=CHAI)
    cashier = client_for(shop, await hire(shop, "cashier"))
    [seen] = (await cashier.get("products")).json()["data"]
    assert seen["buying_price_cents"] is None
    assert (await cashier.post("products", json=CHAI)).status_code == 403
    assert (await cashier.post("products/import", content="name,price\nx,1\n")).status_code == 403


async def test_another_business_is_not_there(
    client_for: ClientFor, client: httpx2.AsyncClient, shop: Shop, database: Database
):
    made = (await client.post("products", json=CHAI)).json()
    other = await make_shop(database)
    assert (await client_for(shop, other.owner).get("products")).status_code == 404
    foreign = client_for(other, other.owner)
    assert (await foreign.get(f"products/{made['id']}")).status_code == 404
    answer = await foreign.patch(f"products/{made['id']}", json={"price_cents": 1}, headers={"if-match": "*"})
    assert answer.status_code == 404
    assert (await foreign.get("products")).json()["data"] == []
    assert (await client.get(f"products/{made['id']}")).json() == made
