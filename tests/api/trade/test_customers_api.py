"""Customers over HTTP."""

from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter

SAID = {"name": "Achieng", "phone": "0712345678", "consents": ["receipts"]}


async def test_a_customer_is_made_read_and_changed(owner: Counter, cashier: Counter):
    body = {**SAID, "id": str(new_id())}
    made = await cashier.post("customers", body)
    assert (made.status_code, made.json()["phone"], made.json()["phone_masked"]) == (201, None, "*********678")
    again = await cashier.post("customers", body)
    assert (again.status_code, again.json()) == (201, made.json())
    other = await cashier.post("customers", {**body, "name": "Otieno"})
    assert (other.status_code, other.json()["code"]) == (409, "customers.exists")
    path = f"customers/{body['id']}"
    read = await owner.get(path)
    assert read.json()["phone"] == "254712345678"
    assert (await owner.http.patch(path, json={"kind": "vip"})).status_code == 428
    headers = {"if-match": read.headers["etag"]}
    changed = await owner.http.patch(path, json={"kind": "vip"}, headers=headers)
    assert (changed.status_code, changed.json()["kind"], changed.json()["rev"]) == (200, "vip", 2)
    assert (await owner.http.patch(path, json={"kind": "regular"}, headers=headers)).status_code == 412
    assert (await owner.get(path)).json()["kind"] == "vip"


async def test_refusals_have_their_codes(owner: Counter):
    bad = await owner.post("customers", {**SAID, "phone": "12"})
    assert (bad.status_code, bad.json()["code"]) == (422, "customers.phone_invalid")
    unknown = await owner.get(f"customers/{new_id()}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "customers.not_found")
    null = await owner.http.patch(f"customers/{new_id()}", json={"name": None}, headers={"if-match": "*"})
    assert null.status_code == 422
    assert (await owner.get("customers")).json()["data"] == []


async def test_the_list_comes_in_pages(owner: Counter):
    for name in ("b", "a", "c"):
        await owner.post("customers", {"name": name})
    first = (await owner.get("customers", limit=2)).json()
    assert ([each["name"] for each in first["data"]], first["has_more"]) == (["a", "b"], True)
    rest = (await owner.get("customers", limit=2, cursor=first["next_cursor"])).json()
    assert ([each["name"] for each in rest["data"]], rest["has_more"]) == (["c"], False)
    found = (await owner.get("customers", q="C", kind="regular", active="true")).json()
    assert [each["name"] for each in found["data"]] == ["c"]
